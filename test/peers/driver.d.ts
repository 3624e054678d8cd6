// What driver.js leaves in the global scope.

declare global {
  function createDriver(
    WebSocket: unknown,
  ): Record<string, (parameters: Record<string, unknown>) => unknown>;
}

export {};

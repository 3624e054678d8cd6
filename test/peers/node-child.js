// Node's own WebSocket, steered by JSON lines on stdin and stdout. A process of its own, because
// Node 20 has the class only behind a flag.

import { createInterface } from 'node:readline';
import './driver.js';

const driver = globalThis.createDriver(globalThis.WebSocket);

for await (const line of createInterface({ input: process.stdin })) {
  const { call, op, parameters } = JSON.parse(line);
  answer(call, op, parameters);
}
// The last line has been read: whoever steered this has gone.
process.exit();

async function answer(call, op, parameters) {
  let outcome;
  try {
    outcome = { result: (await driver[op](parameters)) ?? null };
  } catch (error) {
    outcome = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify({ call, ...outcome })}\n`);
}

// A Blob whose bytes come when told; Node's own is read off the event loop.

export class SlowBlob extends Blob {
  release: () => void = () => {};
  fail: (error: Error) => void = () => {};

  override async arrayBuffer(): Promise<ArrayBuffer> {
    await new Promise<void>((resolve, reject) => {
      this.release = resolve;
      this.fail = reject;
    });
    return super.arrayBuffer();
  }
}

// Driver: conversations over the WHATWG interface, steered from outside. The same file runs in a
// page of a browser, in a child process of Node and in the test process itself, so it is plain
// JavaScript, imports nothing and leaves one function in the global scope. Messages cross as
// { text } or { binary: base64 }.

globalThis.createDriver = (WebSocket) => {
  const conversations = new Map();
  let last = 0;

  function decode(data) {
    if (typeof data === 'string') return { text: data };
    const bytes = new Uint8Array(data);
    let binary = '';
    // In pieces: an argument list has a limit.
    for (let start = 0; start < bytes.length; start += 0x2000) {
      binary += String.fromCharCode(...bytes.subarray(start, start + 0x2000));
    }
    return { binary: btoa(binary) };
  }

  function encode({ text, binary }) {
    return text ?? Uint8Array.from(atob(binary), (letter) => letter.charCodeAt(0));
  }

  class Conversation {
    inbox = [];
    wanted = 0;
    wake = () => {};
    // A Blob is read asynchronously; one chain keeps the order of arrival.
    reading = Promise.resolve();
    ending = undefined;

    constructor(url, protocols, binaryType) {
      this.socket = new WebSocket(url, protocols);
      this.socket.binaryType = binaryType;
      this.socket.addEventListener('message', ({ data }) => this.read(data, binaryType));
      this.ended = new Promise((resolve) => {
        this.socket.addEventListener('close', ({ code, reason, wasClean }) => {
          this.reading = this.reading.then(() => {
            this.ending = { code, reason, wasClean };
            resolve(this.ending);
            this.wake();
          });
        });
      });
    }

    read(data, binaryType) {
      this.reading = this.reading.then(async () => {
        if (typeof data !== 'string' && data instanceof Blob !== (binaryType === 'blob')) {
          throw new TypeError(`not of binaryType ${binaryType}`);
        }
        const whole = typeof data === 'string' || binaryType !== 'blob' ? data : data.arrayBuffer();
        this.inbox.push(decode(await whole));
        if (this.inbox.length >= this.wanted) this.wake();
      });
    }
  }

  return {
    async connect({ url, protocols, binaryType = 'arraybuffer' }) {
      const conversation = new Conversation(url, protocols, binaryType);
      const { socket } = conversation;
      const happened = (event) =>
        new Promise((resolve) => socket.addEventListener(event, () => resolve(event)));
      const first = await Promise.race([happened('open'), happened('error'), happened('close')]);
      if (first !== 'open') {
        // Node 20 leaves out the 'close' that belongs after the 'error'.
        await Promise.race([conversation.ended, new Promise((done) => setTimeout(done, 200))]);
        return { refused: `${first} before it was open, ${conversation.ending?.code ?? 'no end'}` };
      }
      last += 1;
      conversations.set(last, conversation);
      return { conversation: last, protocol: socket.protocol, extensions: socket.extensions };
    },

    send({ conversation, messages }) {
      for (const message of messages) conversations.get(conversation).socket.send(encode(message));
    },

    async receive({ conversation, count }) {
      const here = conversations.get(conversation);
      here.wanted = count;
      while (here.inbox.length < count && here.ending === undefined) {
        await new Promise((resolve) => {
          here.wake = resolve;
        });
      }
      if (here.inbox.length < count) {
        throw new Error(`ended after ${here.inbox.length} of ${count} messages`);
      }
      return here.inbox.splice(0, count);
    },

    close({ conversation, code, reason }) {
      const { socket } = conversations.get(conversation);
      if (code === undefined) socket.close();
      else socket.close(code, reason);
    },

    ended({ conversation }) {
      return conversations.get(conversation).ended;
    },
  };
};

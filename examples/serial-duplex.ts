// WebSocket messages, Pings and the closing handshake over a serial line: `Connection` does no I/O,
// so any Duplex will do. Both ends are wired to each other, which makes an opening handshake (§4)
// needless; they only have to agree on who is the client, because the client masks (§5.1).

import { Duplex } from 'node:stream';
import { Connection, type Role } from '../src/connection/index.ts';

/** Speaks WebSocket on an open port. `onText` gets every text and may answer on the connection. */
export function attach(
  port: Duplex,
  role: Role,
  onText: (text: string, connection: Connection) => void,
): Connection {
  const connection: Connection = new Connection(
    { role, maxPayload: 64 * 1024 },
    {
      onMessage: (data, isBinary) => isBinary || onText(data.toString(), connection),
      onPing: () => {},
      onPong: (data) => console.log(`${role}: pong ${data}`),
      onClose: (code, reason) => console.log(`${role}: closed ${code} ${reason}`),
      onFail: (error) => console.log(`${role}: failed, ${error.message}`),
    },
    {
      write: (chunks) => connection.setCongested(!port.write(Buffer.concat(chunks))),
      wake: () => queueMicrotask(() => connection.flush()),
      end: () => port.end(),
    },
  );
  port.on('drain', () => connection.setCongested(false));
  port.on('data', (chunk: Buffer) => connection.receive(chunk));
  port.on('end', () => {
    connection.receiveEnd();
    port.end();
  });
  port.on('error', () => connection.receiveEnd());
  return connection;
}

/** A null-modem cable: two ports that hand over a few bytes at a time, as a UART does. */
export function cable(): [Duplex, Duplex] {
  const make = (other: () => Duplex) =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; at += 3) other().push(chunk.subarray(at, at + 3));
        setImmediate(done);
      },
      final(done) {
        other().push(null);
        done();
      },
    });
  const left: Duplex = make(() => right);
  const right: Duplex = make(() => left);
  return [left, right];
}

const [left, right] = cable();

attach(left, 'server', (text, connection) => {
  connection.send(`${text}: 21.5 °C`, false);
});

const meter = attach(right, 'client', (text, connection) => {
  console.log(`client: ${text}`);
  connection.close(1000, 'enough');
});
meter.ping('are you there');
meter.send('boiler', false);

// The two errors a peer can cause: what they carry for the wire.

import { describe, expect, it } from 'vitest';
import { HandshakeError, ProtocolError } from '../src/errors.ts';

describe('ProtocolError', () => {
  it('carries the close code and the name of the rule, and is a RangeError', () => {
    const error = new ProtocolError(1002, 'WS_ERR_EXPECTED_FIN', 'FIN must be set');
    expect(error).toBeInstanceOf(RangeError);
    expect(error.closeCode).toBe(1002);
    expect(error.code).toBe('WS_ERR_EXPECTED_FIN');
    expect(error.message).toBe('FIN must be set');
  });
});

describe('HandshakeError', () => {
  it('carries the status and the header fields of the answer', () => {
    const error = new HandshakeError(426, 'wrong version', { 'Sec-WebSocket-Version': '13' });
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(ProtocolError);
    expect(error.name).toBe('HandshakeError');
    expect(error.status).toBe(426);
    expect(error.message).toBe('wrong version');
    expect(error.headers).toEqual({ 'Sec-WebSocket-Version': '13' });
  });

  it('has no header fields unless told', () => {
    expect(new HandshakeError(400, 'bad').headers).toEqual({});
  });
});

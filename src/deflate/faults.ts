// What can be wrong with a compressed message (RFC 7692 §7.2.2), as the errors that fail a connection.
// Codes and numbers are those that zlib has for the same faults.

import { constants } from 'node:zlib';
import { ProtocolError } from '../errors.ts';

/** Not DEFLATE data, or a distance that reaches out of the window. */
export function invalidData(): ProtocolError {
  const error = new ProtocolError(
    1007,
    'Z_DATA_ERROR',
    'Invalid compressed message: the data is not valid DEFLATE data',
  );
  return Object.assign(error, { errno: constants.Z_DATA_ERROR });
}

/** RFC 7692 §7.2.1: a message ends at the end of a block. */
export function truncatedData(): ProtocolError {
  const error = new ProtocolError(
    1007,
    'Z_BUF_ERROR',
    'Invalid compressed message: the data ends inside a DEFLATE block',
  );
  return Object.assign(error, { errno: constants.Z_BUF_ERROR });
}

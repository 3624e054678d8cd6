// All micro benchmarks by group. Each room's cases stand in the file of their subject.

import type { Library, MicroCase } from './case.ts';
import {
  createConnectionCases,
  createHeaderCases,
  createReaderCases,
  createWriterCases,
} from './framing.ts';
import type { MicroGroup } from './groups.ts';
import { createMaskCases } from './masking.ts';
import {
  createAcceptCases,
  createHandshakeCases,
  createNegotiationCases,
  createUtf8Cases,
} from './text.ts';

/** What makes the cases of each group. */
export const FACTORIES: Readonly<Record<MicroGroup, (library: Library) => MicroCase[]>> = {
  mask: createMaskCases,
  header: createHeaderCases,
  reader: createReaderCases,
  writer: createWriterCases,
  utf8: createUtf8Cases,
  connection: createConnectionCases,
  accept: createAcceptCases,
  handshake: createHandshakeCases,
  negotiation: createNegotiationCases,
};

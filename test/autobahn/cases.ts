// The conformance cases that the Autobahn test suite made well known, groups 1 to 7 and 10, written
// anew from RFC 6455. Where that suite lets several outcomes pass ("non-strict", "informational", a
// dropped connection, a close without code), one is demanded here, and a comment there says which.

import type { Case } from './case.ts';
import { CLOSING_CASES } from './closing.ts';
import { AUTO_FRAGMENTED, FRAGMENTATION_CASES } from './fragmentation.ts';
import { FRAMING_CASES } from './framing.ts';
import { UTF8_CASES } from './utf8.ts';

/** All cases, in the order of their numbers. */
export const CASES: Case[] = [
  ...FRAMING_CASES,
  ...FRAGMENTATION_CASES,
  ...UTF8_CASES,
  ...CLOSING_CASES,
  AUTO_FRAGMENTED,
];

// The protocol as one slow function, read off the tables of §5.2, §5.4, §5.5, §7.4 and RFC 3629 §4:
// all bytes in, a judgement out. It shares no line with src and knows no state between two calls.

import type { Buffer } from 'node:buffer';

export interface Rules {
  readonly role: 'client' | 'server';
  readonly maxPayload?: number;
  readonly maxFragments?: number;
}

/** What an application is to be told: text as text, other bytes as hex; a fault by its close code. */
export type Heard =
  | readonly ['text' | 'binary' | 'ping' | 'pong', string]
  | readonly ['close', number, string]
  | readonly ['fail', number];

export interface Judgement {
  readonly heard: readonly Heard[];
  /** A Close came or a rule was broken; nothing that follows counts. */
  readonly over: boolean;
}

const KINDS: Readonly<
  Record<number, 'continuation' | 'text' | 'binary' | 'close' | 'ping' | 'pong'>
> = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };

// RFC 3629 §4, over a string with one character for each octet.
const TAIL = '[\\x80-\\xbf]';
const SEQUENCES = [
  ['[\\x00-\\x7f]'],
  ['[\\xc2-\\xdf]', TAIL],
  ['\\xe0', '[\\xa0-\\xbf]', TAIL],
  ['[\\xe1-\\xec]', TAIL, TAIL],
  ['\\xed', '[\\x80-\\x9f]', TAIL],
  ['[\\xee\\xef]', TAIL, TAIL],
  ['\\xf0', '[\\x90-\\xbf]', TAIL, TAIL],
  ['[\\xf1-\\xf3]', TAIL, TAIL, TAIL],
  ['\\xf4', '[\\x80-\\x8f]', TAIL, TAIL],
];
const WHOLE = new RegExp(SEQUENCES.map((octets) => octets.join('')).join('|'), 'y');
const BEGUN = new RegExp(
  `^(?:${SEQUENCES.flatMap((octets) =>
    octets.slice(0, -1).map((_, i) => octets.slice(0, i + 1).join('')),
  ).join('|')})$`,
);

/** Where `bytes` stop being the beginning of a UTF-8 text, or why they are not the whole of one. */
export function judgeUtf8(bytes: Uint8Array): { impossibleAt: number | undefined; whole: boolean } {
  const octets = String.fromCharCode.apply(null, [...bytes]);
  let at = 0;
  while (at < octets.length) {
    WHOLE.lastIndex = at;
    const match = WHOLE.exec(octets);
    if (match !== null) {
      at += match[0].length;
      continue;
    }
    for (let count = 1; at + count <= octets.length; count++) {
      if (!BEGUN.test(octets.slice(at, at + count))) {
        return { impossibleAt: at + count - 1, whole: false };
      }
    }
    return { impossibleAt: undefined, whole: false };
  }
  return { impossibleAt: undefined, whole: true };
}

/** §7.4.1, §7.4.2 and the registry: the codes that may be in a Close frame. */
export function mayBeSent(code: number): boolean {
  if ([1004, 1005, 1006, 1015].includes(code)) return false;
  return (code >= 1000 && code <= 1015) || (code >= 3000 && code <= 4999);
}

/** What an endpoint is to make of `bytes`, all that came so far. */
export function judge(bytes: Buffer, rules: Rules): Judgement {
  const heard: Heard[] = [];
  let message:
    | { type: 'text' | 'binary'; data: number[]; length: bigint; count: number }
    | undefined;
  let rest = [...bytes];
  const more = { heard, over: false };
  const fail = (code: number): Judgement => ({ heard: [...heard, ['fail', code]], over: true });

  for (;;) {
    if (rest.length < 1) return more;
    const bits = (rest[0] as number).toString(2).padStart(8, '0');
    const final = bits[0] === '1';
    const kind = KINDS[Number.parseInt(bits.slice(4), 2)];
    const isControl = kind === 'close' || kind === 'ping' || kind === 'pong';
    if (bits.slice(1, 4) !== '000' || kind === undefined) return fail(1002);
    if (isControl && !final) return fail(1002);
    if (!isControl && (kind === 'continuation') !== (message !== undefined)) return fail(1002);

    if (rest.length < 2) return more;
    const masked = (rest[1] as number) >= 128;
    if (masked !== (rules.role === 'server')) return fail(1002);
    const form = (rest[1] as number) % 128;
    if (isControl && form > 125) return fail(1002);
    if (kind === 'close' && form === 1) return fail(1002);

    const lengthOctets = form === 126 ? 2 : form === 127 ? 8 : 0;
    if (lengthOctets === 8 && rest.length > 2 && (rest[2] as number) >= 128) return fail(1002);
    if (rest.length < 2 + lengthOctets) return more;
    let length = BigInt(form);
    if (lengthOctets > 0) {
      length = rest
        .slice(2, 2 + lengthOctets)
        .reduce((sum, octet) => sum * 256n + BigInt(octet), 0n);
      if (length < (lengthOctets === 2 ? 126n : 65536n)) return fail(1002);
      if (length >= 2n ** 53n) return fail(1009);
    }
    const total = (message?.length ?? 0n) + length;
    if (!isControl && rules.maxPayload !== undefined && total > BigInt(rules.maxPayload)) {
      return fail(1009);
    }

    const start = 2 + lengthOctets + (masked ? 4 : 0);
    if (rest.length < start) return more;
    const key = masked ? rest.slice(start - 4, start) : [0, 0, 0, 0];
    const there = rest.slice(start, start + Number(length));
    const payload = there.map((octet, i) => octet ^ (key[i % 4] as number));
    const isWhole = BigInt(there.length) === length;

    if (isControl) {
      if (!isWhole) return more;
      if (kind !== 'close') {
        heard.push([kind, hex(payload)]);
      } else {
        const judged = judgeClose(payload);
        return { heard: [...heard, judged], over: true };
      }
    } else {
      if (kind !== 'continuation') message = { type: kind, data: [], length: 0n, count: 0 };
      const current = message as NonNullable<typeof message>;
      current.length = total;
      current.count++;
      // §10.4: so many fragments and no final one among them.
      if (!final && current.count >= (rules.maxFragments ?? Infinity)) return fail(1008);
      current.data.push(...payload);
      if (current.type === 'text') {
        const text = judgeUtf8(Uint8Array.from(current.data));
        if (text.impossibleAt !== undefined) return fail(1007);
        if (isWhole && final && !text.whole) return fail(1007);
      }
      if (!isWhole) return more;
      if (final) {
        const data = Uint8Array.from(current.data);
        const isText = current.type === 'text';
        heard.push([current.type, isText ? decodeText(data) : hex(current.data)]);
        message = undefined;
      }
    }
    rest = rest.slice(start + Number(length));
  }
}

function judgeClose(payload: readonly number[]): Heard {
  if (payload.length === 0) return ['close', 1005, ''];
  const code = (payload[0] as number) * 256 + (payload[1] as number);
  if (!mayBeSent(code)) return ['fail', 1002];
  const reason = Uint8Array.from(payload.slice(2));
  if (!judgeUtf8(reason).whole) return ['fail', 1007];
  return ['close', code, decodeText(reason)];
}

function decodeText(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function hex(octets: readonly number[]): string {
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  acceptOffer,
  acceptResponse,
  type DeflateOptions,
  type DeflateParameters,
  EXTENSION_NAME,
  formatOffer,
} from '../../src/deflate/index.ts';
import { HandshakeError } from '../../src/errors.ts';
import { formatExtensions, parseExtensions } from '../../src/handshake/extensions.ts';
import { deflateOptions } from './arbitraries.ts';

const SERVER_FREE = 'server_no_context_takeover';
const CLIENT_FREE = 'client_no_context_takeover';
const SERVER_BITS = 'server_max_window_bits';
const CLIENT_BITS = 'client_max_window_bits';

const PLAIN: DeflateParameters = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

/** What is offered, as text. */
const offer = (options: DeflateOptions): string => formatExtensions([formatOffer(options)]);

/** The server's answer to a field value, as text and parameters. */
function answer(
  value: string,
  options: DeflateOptions = {},
): { text: string; parameters: DeflateParameters } | null {
  const accepted = acceptOffer(parseExtensions(value), options);
  if (accepted === null) return null;
  return { text: formatExtensions([accepted.response]), parameters: accepted.parameters };
}

/** Only the text of the answer, without the name of the extension. */
function answerText(params: string, options: DeflateOptions = {}): string | undefined {
  return answer(`${EXTENSION_NAME}${params}`, options)?.text.slice(EXTENSION_NAME.length);
}

/** The client's reading of a response with these parameters. */
function read(params: string, options: DeflateOptions = {}): DeflateParameters | null {
  return acceptResponse(parseExtensions(`${EXTENSION_NAME}${params}`), options);
}

/** The reason for which the client refuses this field value. */
function refusal(value: string, options: DeflateOptions = {}): string {
  try {
    acceptResponse(parseExtensions(value), options);
  } catch (error) {
    expect(error).toBeInstanceOf(HandshakeError);
    expect((error as HandshakeError).status).toBe(502);
    expect((error as Error).message).toBe('Invalid Sec-WebSocket-Extensions header');
    return ((error as Error).cause as Error).message;
  }
  throw new Error(`accepted: ${value}`);
}

// The model: it shares no code with the source. An element is a plain list of names and raw values.

type Param = readonly [name: string, value: string | true];
type Params = readonly Param[];

const VALID_BITS = ['8', '9', '10', '11', '12', '13', '14', '15'];
const INVALID_BITS = ['0', '7', '16', '08', '09', '015', '+9', '-9', '1e1', '9.0', '0x9', '115'];
const STRANGE_NAMES = ['__proto__', 'constructor', 'toString', 'Server_max_window_bits', 'x'];
const KNOWN_NAMES = [SERVER_FREE, CLIENT_FREE, SERVER_BITS, CLIENT_BITS];

const valueIn = (params: Params, name: string): string | true | undefined =>
  params.find(([known]) => known === name)?.[1];

/** Whether these are parameters by the letter of RFC 7692 §7.1, in an offer or in a response. */
function isWellFormed(params: Params, where: 'offer' | 'response'): boolean {
  const names = params.map(([name]) => name);
  if (new Set(names).size < names.length) return false;
  return params.every(([name, value]) => {
    if (name === SERVER_FREE || name === CLIENT_FREE) return value === true;
    if (name === SERVER_BITS) return VALID_BITS.includes(value as string);
    if (name === CLIENT_BITS) {
      return VALID_BITS.includes(value as string) || (value === true && where === 'offer');
    }
    return false;
  });
}

/** Whether a server of this configuration is to say yes to a well-formed offer. */
function isServable(params: Params, options: DeflateOptions): boolean {
  const { serverMaxWindowBits: server, clientMaxWindowBits: client } = options;
  const asked = valueIn(params, SERVER_BITS);
  const promised = valueIn(params, CLIENT_BITS);
  const faults = [
    options.serverNoContextTakeover === false && valueIn(params, SERVER_FREE) === true,
    asked !== undefined && server === false,
    asked !== undefined && typeof server === 'number' && server > Number(asked),
    typeof client === 'number' && promised === undefined,
    typeof client === 'number' && typeof promised === 'string' && client > Number(promised),
  ];
  return !faults.includes(true);
}

/** Whether a strict client that made this offer may go on after this response. */
function isHonoured(offered: Params, response: Params): boolean {
  if (!isWellFormed(response, 'response')) return false;
  const [askedBits, bits] = [valueIn(offered, SERVER_BITS), valueIn(response, SERVER_BITS)];
  const [promise, demand] = [valueIn(offered, CLIENT_BITS), valueIn(response, CLIENT_BITS)];
  if (valueIn(offered, SERVER_FREE) && !valueIn(response, SERVER_FREE)) return false;
  if (askedBits !== undefined && !(Number(bits) <= Number(askedBits))) return false;
  if (demand === undefined) return true;
  if (promise === undefined) return false;
  return promise === true || Number(demand) <= Number(promise);
}

/** The parameters of one element, from its text. */
function paramsOf(text: string): Params {
  const [name, ...rest] = text.split('; ');
  expect(name).toBe(EXTENSION_NAME);
  return rest.map((param) => {
    const [key, value] = param.split('=');
    return [key as string, value ?? true];
  });
}

const name = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...KNOWN_NAMES) },
  { weight: 1, arbitrary: fc.constantFrom(...STRANGE_NAMES) },
);

/** A parameter with a value that is mostly right for it, so that whole elements often are. */
const param: fc.Arbitrary<Param> = name.chain((key) => {
  const bits = fc.constantFrom(...VALID_BITS);
  const bad = fc.constantFrom(...INVALID_BITS, 'true', '');
  const none = fc.constant<true>(true);
  const flag = key === SERVER_FREE || key === CLIENT_FREE;
  const value = flag
    ? fc.oneof(
        { weight: 20, arbitrary: none },
        { weight: 1, arbitrary: bits },
        { weight: 1, arbitrary: bad },
      )
    : fc.oneof(
        { weight: 20, arbitrary: bits },
        { weight: key === CLIENT_BITS ? 10 : 1, arbitrary: none },
        { weight: 1, arbitrary: bad },
      );
  return fc.tuple(fc.constant(key), value);
});

const elementParams: fc.Arbitrary<Params> = fc.oneof(
  { weight: 6, arbitrary: fc.uniqueArray(param, { maxLength: 4, selector: ([key]) => key }) },
  { weight: 1, arbitrary: fc.array(param, { maxLength: 5 }) },
);

/** The element as text; values in quotes or not, white space where it may stand. */
function textOf(extension: string, params: Params, quote: boolean): string {
  const parts = params.map(([key, value]) => {
    if (value === true) return key;
    return quote || value === '' ? `${key} =\t"${value}"` : `${key}=${value}`;
  });
  return [extension, ...parts].join(quote ? ' ;\t' : ';');
}

/** `""` is no token, so §9.1 has such a field refused before any extension is looked at. */
const isReadable = (params: Params): boolean => params.every(([, value]) => value !== '');

describe('formatOffer', () => {
  it('[7692-7-a] [7692-7.1.2.2-a] offers client_max_window_bits without a value unless told otherwise', () => {
    expect(offer({})).toBe('permessage-deflate; client_max_window_bits');
    expect(offer({ clientMaxWindowBits: true })).toBe('permessage-deflate; client_max_window_bits');
    expect(offer({ clientMaxWindowBits: 9 })).toBe('permessage-deflate; client_max_window_bits=9');
    expect(offer({ clientMaxWindowBits: false })).toBe('permessage-deflate');
  });

  it('[7692-7.1.1.1-a] [7692-7.1.1.2-a] offers no_context_takeover without a value', () => {
    expect(
      offer({
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        clientMaxWindowBits: false,
      }),
    ).toBe('permessage-deflate; server_no_context_takeover; client_no_context_takeover');
    expect(
      offer({
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        clientMaxWindowBits: false,
      }),
    ).toBe('permessage-deflate');
  });

  it('[7692-7.1.2.1-a] offers server_max_window_bits with a value or not at all', () => {
    const rest = { clientMaxWindowBits: false };
    expect(offer({ ...rest, serverMaxWindowBits: 12 })).toBe(
      'permessage-deflate; server_max_window_bits=12',
    );
    expect(offer({ ...rest, serverMaxWindowBits: true })).toBe('permessage-deflate');
    expect(offer({ ...rest, serverMaxWindowBits: false })).toBe('permessage-deflate');
  });

  it('makes only offers that are well-formed', () => {
    fc.assert(
      fc.property(deflateOptions, (options) => {
        expect(isWellFormed(paramsOf(offer(options)), 'offer')).toBe(true);
      }),
    );
  });
});

describe('acceptOffer', () => {
  it('[7692-5-a] [7692-5-b] [7692-5-c] takes the first of several elements that it can', () => {
    const value = `${EXTENSION_NAME}; ${SERVER_BITS}=9, ${EXTENSION_NAME}; ${SERVER_BITS}=11, ${EXTENSION_NAME}`;
    expect(answer(value)?.text).toBe('permessage-deflate; server_max_window_bits=9');
    const options = { serverMaxWindowBits: 10 };
    expect(answer(value, options)?.text).toBe('permessage-deflate; server_max_window_bits=10');
    expect(answer(value, { serverMaxWindowBits: false })?.text).toBe('permessage-deflate');
  });

  it('[7692-5-d] may answer with other parameters than were offered', () => {
    const options = { serverNoContextTakeover: true, clientMaxWindowBits: 10 };
    expect(answerText('; client_max_window_bits', options)).toBe(
      '; server_no_context_takeover; client_max_window_bits=10',
    );
  });

  it('[7692-5-f] passes over invalid offers and other extensions, and says null when none is left', () => {
    expect(answer(`x, ${EXTENSION_NAME}; y, ${EXTENSION_NAME}`)?.text).toBe('permessage-deflate');
    expect(answer('x, Permessage-Deflate, permessage-deflate-2, __proto__')).toBeNull();
    expect(answer(`${EXTENSION_NAME}; y`)).toBeNull();
    expect(acceptOffer([], {})).toBeNull();
  });

  it('[7692-7-b] [7692-7.1-b] declines unknown parameters, by exact name and not by prototype', () => {
    for (const strange of [...STRANGE_NAMES, 'hasOwnProperty', 'Client_no_context_takeover']) {
      expect(answerText(`; ${strange}`), strange).toBeUndefined();
      expect(answerText(`; ${CLIENT_BITS}; ${strange}=10`), strange).toBeUndefined();
    }
  });

  it('[7692-7-c] [7692-7.1.2-a] [7692-7.1.2.1-a] declines values that are not 8 to 15 in plain digits', () => {
    for (const bits of INVALID_BITS) {
      expect(answerText(`; ${SERVER_BITS}=${bits}`), bits).toBeUndefined();
      expect(answerText(`; ${CLIENT_BITS}=${bits}`), bits).toBeUndefined();
    }
    expect(answerText(`; ${SERVER_BITS}`)).toBeUndefined();
    for (const bits of VALID_BITS) {
      expect(answerText(`; ${SERVER_BITS}=${bits}`)).toBe(`; ${SERVER_BITS}=${bits}`);
      expect(answerText(`; ${CLIENT_BITS}=${bits}`)).toBe(`; ${CLIENT_BITS}=${bits}`);
    }
  });

  it('[7692-7-c] [7692-7.1.1.1-a] [7692-7.1.1.2-a] declines no_context_takeover with a value', () => {
    for (const flag of [SERVER_FREE, CLIENT_FREE]) {
      for (const value of ['true', '1', '10']) {
        expect(answerText(`; ${flag}=${value}`), flag).toBeUndefined();
      }
      // "" cannot be written in the field (§9.1); should it come by another way, it is no better.
      const empty = { name: EXTENSION_NAME, params: new Map([[flag, ['']]]) };
      expect(acceptOffer([empty], {})).toBeNull();
    }
  });

  it('[7692-7-d] declines parameters that stand twice, with and without a value', () => {
    for (const key of KNOWN_NAMES) {
      expect(answerText(`; ${key}; ${key}`), key).toBeUndefined();
      expect(answerText(`; ${key}=10; ${key}=10`), key).toBeUndefined();
      expect(answerText(`; ${key}; ${key}=10`), key).toBeUndefined();
    }
  });

  it('[7692-7-e] declines what the configuration rules out', () => {
    expect(answerText(`; ${SERVER_FREE}`, { serverNoContextTakeover: false })).toBeUndefined();
    expect(answerText(`; ${SERVER_BITS}=15`, { serverMaxWindowBits: false })).toBeUndefined();
    expect(answerText(`; ${CLIENT_BITS}=9`, { clientMaxWindowBits: 10 })).toBeUndefined();
  });

  it('[7692-7.1.1.1-c] [7692-7.1.1.1-d] repeats server_no_context_takeover, or says it unasked', () => {
    expect(answer(`${EXTENSION_NAME}; ${SERVER_FREE}`)).toEqual({
      text: 'permessage-deflate; server_no_context_takeover',
      parameters: { ...PLAIN, serverNoContextTakeover: true },
    });
    const unasked = answer(EXTENSION_NAME, { serverNoContextTakeover: true });
    expect(unasked?.text).toBe('permessage-deflate; server_no_context_takeover');
    expect(unasked?.parameters.serverNoContextTakeover).toBe(true);
  });

  it('[7692-7.1.1.2-b] [7692-7.1.1.2-d] demands client_no_context_takeover, asked or not, and keeps a hint', () => {
    const expected = {
      text: 'permessage-deflate; client_no_context_takeover',
      parameters: { ...PLAIN, clientNoContextTakeover: true },
    };
    expect(answer(EXTENSION_NAME, { clientNoContextTakeover: true })).toEqual(expected);
    const hint = `${EXTENSION_NAME}; ${CLIENT_FREE}`;
    expect(answer(hint)).toEqual(expected);
    expect(answer(hint, { clientNoContextTakeover: false })).toEqual(expected);
  });

  it('[7692-7.1.2.1-b] repeats server_max_window_bits with the same or a smaller value, or declines', () => {
    expect(answer(`${EXTENSION_NAME}; ${SERVER_BITS}=12`)?.parameters.serverMaxWindowBits).toBe(12);
    const value = `; ${SERVER_BITS}=12`;
    expect(answerText(value, { serverMaxWindowBits: true })).toBe(value);
    expect(answerText(value, { serverMaxWindowBits: 12 })).toBe(value);
    expect(answerText(value, { serverMaxWindowBits: 8 })).toBe(`; ${SERVER_BITS}=8`);
    expect(answerText(value, { serverMaxWindowBits: 13 })).toBeUndefined();
  });

  it('[7692-7.1.2.1-c] says server_max_window_bits unasked when configured', () => {
    expect(answer(EXTENSION_NAME, { serverMaxWindowBits: 10 })).toEqual({
      text: 'permessage-deflate; server_max_window_bits=10',
      parameters: { ...PLAIN, serverMaxWindowBits: 10 },
    });
    expect(answerText('', { serverMaxWindowBits: false })).toBe('');
  });

  it('[7692-7.1.2.2-b] [7692-7.1.2.2-c] answers client_max_window_bits up to the value offered', () => {
    const bare = `; ${CLIENT_BITS}`;
    expect(answerText(bare)).toBe('');
    expect(answerText(bare, { clientMaxWindowBits: true })).toBe('');
    expect(answerText(bare, { clientMaxWindowBits: 15 })).toBe(`${bare}=15`);
    expect(answerText(`${bare}=11`)).toBe(`${bare}=11`);
    expect(answerText(`${bare}=11`, { clientMaxWindowBits: 11 })).toBe(`${bare}=11`);
    expect(answerText(`${bare}=11`, { clientMaxWindowBits: 9 })).toBe(`${bare}=9`);
    expect(answerText(`${bare}=11`, { clientMaxWindowBits: 12 })).toBeUndefined();
  });

  it('[7692-7.1.2.2-f] expects 32768 bytes when its answer is silent, whatever was promised', () => {
    const value = `${EXTENSION_NAME}; ${CLIENT_BITS}=9`;
    expect(answer(value, { clientMaxWindowBits: false })).toEqual({
      text: 'permessage-deflate',
      parameters: PLAIN,
    });
    expect(answer(`${EXTENSION_NAME}; ${CLIENT_BITS}`)?.parameters).toEqual(PLAIN);
  });

  it('[7692-7.1.2.2-d] [7692-7.1.2.2-g] declines rather than answer client_max_window_bits unasked', () => {
    expect(answerText('', { clientMaxWindowBits: 9 })).toBeUndefined();
    expect(answerText('', { clientMaxWindowBits: true })).toBe('');
  });

  it('[7692-7.1-a] takes quotes and white space around a value for nothing', () => {
    const value = `${EXTENSION_NAME} ;\t${SERVER_BITS} = "10" ; ${CLIENT_BITS}\t=\t"1\\1"`;
    expect(answer(value)?.text).toBe(
      'permessage-deflate; server_max_window_bits=10; client_max_window_bits=11',
    );
  });

  it('[7692-5-b] [7692-5-c] [7692-5-f] [7692-7-b] [7692-7-c] [7692-7-d] [7692-7.1.2.1-b] [7692-7.1.2.2-c] [7692-7.1.2.2-d] answers the first acceptable offer as a strict client would have it, or none (property 50)', () => {
    const element = fc.tuple(
      fc.oneof(
        { weight: 9, arbitrary: fc.constant(EXTENSION_NAME) },
        { weight: 1, arbitrary: fc.constantFrom('Permessage-Deflate', '__proto__') },
      ),
      elementParams.filter(isReadable),
    );
    const elements = fc.array(element, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(elements, deflateOptions, fc.boolean(), (offers, options, quote) => {
        const chosen = offers.find(
          ([extension, params]) =>
            extension === EXTENSION_NAME &&
            isWellFormed(params, 'offer') &&
            isServable(params, options),
        );
        const accepted = answer(offers.map((each) => textOf(...each, quote)).join(','), options);
        if (chosen === undefined) {
          expect(accepted).toBeNull();
          return;
        }
        expect(accepted).not.toBeNull();
        if (accepted === null) return;
        const response = paramsOf(accepted.text);
        expect(isHonoured(chosen[1], response)).toBe(true);
        expect(accepted.parameters).toEqual({
          serverNoContextTakeover: valueIn(response, SERVER_FREE) ?? false,
          clientNoContextTakeover: valueIn(response, CLIENT_FREE) ?? false,
          serverMaxWindowBits: Number(valueIn(response, SERVER_BITS) ?? 15),
          clientMaxWindowBits: Number(valueIn(response, CLIENT_BITS) ?? 15),
        });
        // What is configured is what is answered.
        const { serverMaxWindowBits: server, clientMaxWindowBits: client } = options;
        if (typeof server === 'number')
          expect(accepted.parameters.serverMaxWindowBits).toBe(server);
        if (typeof client === 'number')
          expect(accepted.parameters.clientMaxWindowBits).toBe(client);
        if (options.serverNoContextTakeover) expect(response).toContainEqual([SERVER_FREE, true]);
        if (options.clientNoContextTakeover) expect(response).toContainEqual([CLIENT_FREE, true]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('acceptResponse', () => {
  it('says null when the server accepted no extension', () => {
    expect(acceptResponse([], { serverNoContextTakeover: true })).toBeNull();
  });

  it('[7692-5-e] fails when the server accepts what was not offered', () => {
    const reason = 'the extension "x" was not requested';
    expect(refusal('x')).toBe(reason);
    expect(refusal(`${EXTENSION_NAME}, x`)).toBe(reason);
    expect(refusal('Permessage-Deflate')).toMatch(/was not requested$/);
    expect(refusal('__proto__')).toBe('the extension "__proto__" was not requested');
  });

  it('[7692-5-g] fails when the extension stands twice', () => {
    const reason = 'permessage-deflate stands twice';
    expect(refusal(`${EXTENSION_NAME}, ${EXTENSION_NAME}`)).toBe(reason);
    expect(refusal(`${EXTENSION_NAME}, ${EXTENSION_NAME}; ${SERVER_FREE}`)).toBe(reason);
  });

  it('[7692-7-f] [7692-7.1-b] fails on unknown parameters, by exact name and not by prototype', () => {
    for (const strange of [...STRANGE_NAMES, 'hasOwnProperty']) {
      const reason = `the parameter "${strange}" is unknown`;
      expect(refusal(`${EXTENSION_NAME}; ${strange}`)).toBe(reason);
      expect(refusal(`${EXTENSION_NAME}; ${strange}=10`)).toBe(reason);
    }
  });

  it('[7692-7-g] [7692-7.1.2-a] [7692-7.1.1.1-a] [7692-7.1.1.2-a] fails on invalid values', () => {
    for (const bits of INVALID_BITS) {
      for (const key of [SERVER_BITS, CLIENT_BITS]) {
        expect(refusal(`${EXTENSION_NAME}; ${key}=${bits}`)).toBe(`${key} has an invalid value`);
      }
    }
    expect(refusal(`${EXTENSION_NAME}; ${SERVER_BITS}`)).toBe(
      `${SERVER_BITS} has an invalid value`,
    );
    for (const key of [SERVER_FREE, CLIENT_FREE]) {
      expect(refusal(`${EXTENSION_NAME}; ${key}=true`)).toBe(`${key} has an invalid value`);
    }
    const empty = { name: EXTENSION_NAME, params: new Map([[SERVER_BITS, ['']]]) };
    expect(() => acceptResponse([empty], {})).toThrow('Invalid Sec-WebSocket-Extensions header');
  });

  it('[7692-7-h] fails on parameters that stand twice', () => {
    for (const key of KNOWN_NAMES) {
      expect(refusal(`${EXTENSION_NAME}; ${key}; ${key}`)).toBe(`${key} stands twice`);
      expect(refusal(`${EXTENSION_NAME}; ${key}=9; ${key}=9`)).toBe(`${key} stands twice`);
    }
  });

  it('[7692-7-i] [7692-7.1.2.2-e] fails on a client_max_window_bits that the offer does not allow', () => {
    const value = `${EXTENSION_NAME}; ${CLIENT_BITS}`;
    const reason = 'client_max_window_bits was not offered';
    expect(refusal(`${value}=15`, { clientMaxWindowBits: false })).toBe(reason);
    expect(refusal(`${value}=11`, { clientMaxWindowBits: 10 })).toBe(
      'client_max_window_bits=11 is larger than the 10 offered',
    );
    expect(refusal(value)).toBe('client_max_window_bits needs a value');
    expect(read(`; ${CLIENT_BITS}=10`, { clientMaxWindowBits: 10 })?.clientMaxWindowBits).toBe(10);
    expect(read(`; ${CLIENT_BITS}=8`)?.clientMaxWindowBits).toBe(8);
  });

  it('[7692-7.1.1.1-e] fails when server_no_context_takeover was asked and is not repeated', () => {
    const options = { serverNoContextTakeover: true };
    expect(refusal(EXTENSION_NAME, options)).toBe(
      'server_no_context_takeover was requested and is missing',
    );
    const expected = { ...PLAIN, serverNoContextTakeover: true };
    expect(read(`; ${SERVER_FREE}`, options)).toEqual(expected);
    expect(read(`; ${SERVER_FREE}`, { serverNoContextTakeover: false })).toEqual(expected);
  });

  it('[7692-7.1.1.2-c] obeys client_no_context_takeover, also unasked and unwanted', () => {
    for (const clientNoContextTakeover of [undefined, false, true]) {
      expect(read(`; ${CLIENT_FREE}`, { clientNoContextTakeover })).toEqual({
        ...PLAIN,
        clientNoContextTakeover: true,
      });
    }
  });

  it('[7692-7.1.1.2-d] [7692-7.1.2.2-b] keeps its promises when the response is silent', () => {
    expect(read('', { clientNoContextTakeover: true, clientMaxWindowBits: 9 })).toEqual({
      ...PLAIN,
      clientNoContextTakeover: true,
      clientMaxWindowBits: 9,
    });
  });

  it('[7692-7.1.2.1-c] [7692-7.1.2.1-d] expects 32768 bytes of a server not asked, or less if it says so', () => {
    for (const serverMaxWindowBits of [undefined, false, true]) {
      expect(read('', { serverMaxWindowBits })).toEqual(PLAIN);
      expect(read(`; ${SERVER_BITS}=9`, { serverMaxWindowBits })?.serverMaxWindowBits).toBe(9);
    }
  });

  it('[7692-7.1.2.1-e] fails when server_max_window_bits was asked and is larger or missing', () => {
    const options = { serverMaxWindowBits: 10 };
    expect(refusal(EXTENSION_NAME, options)).toBe(
      'server_max_window_bits was requested and is missing',
    );
    expect(refusal(`${EXTENSION_NAME}; ${SERVER_BITS}=11`, options)).toBe(
      'server_max_window_bits=11 is larger than the 10 requested',
    );
    expect(read(`; ${SERVER_BITS}=10`, options)?.serverMaxWindowBits).toBe(10);
    expect(read(`; ${SERVER_BITS}=8`, options)?.serverMaxWindowBits).toBe(8);
  });

  it('[7692-7.1-a] takes quotes and white space around a value for nothing', () => {
    expect(read(` ;\t${SERVER_BITS} = "9"`)?.serverMaxWindowBits).toBe(9);
  });

  it('[7692-7-f] [7692-7-g] [7692-7-h] [7692-7.1.2.1-e] [7692-7.1.2.2-e] accepts or fails as the model of a strict client does (property 51)', () => {
    fc.assert(
      fc.property(
        deflateOptions,
        elementParams.filter(isReadable),
        fc.boolean(),
        (options, params, quote) => {
          const offered = paramsOf(offer(options));
          const value = textOf(EXTENSION_NAME, params, quote);
          if (!isHonoured(offered, params)) {
            expect(refusal(value, options)).not.toBe('');
            return;
          }
          const own = valueIn(offered, CLIENT_BITS);
          const silent = typeof own === 'string' ? own : 15;
          expect(acceptResponse(parseExtensions(value), options)).toEqual({
            serverNoContextTakeover: valueIn(params, SERVER_FREE) ?? false,
            clientNoContextTakeover:
              valueIn(params, CLIENT_FREE) ?? valueIn(offered, CLIENT_FREE) ?? false,
            serverMaxWindowBits: Number(valueIn(params, SERVER_BITS) ?? 15),
            clientMaxWindowBits: Number(valueIn(params, CLIENT_BITS) ?? silent),
          });
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('both ends together', () => {
  it('never differ on what one sends and the other expects (property 52)', () => {
    let agreed = 0;
    fc.assert(
      fc.property(deflateOptions, deflateOptions, (clientOptions, serverOptions) => {
        const accepted = answer(offer(clientOptions), serverOptions);
        if (accepted === null) return;
        agreed += 1;
        const server = accepted.parameters;
        const client = acceptResponse(parseExtensions(accepted.text), clientOptions);
        expect(client).toEqual({ ...server, clientMaxWindowBits: client?.clientMaxWindowBits });
        // A promise that the server did not repeat binds the client alone: it sends less, never more.
        expect(client?.clientMaxWindowBits).toBeLessThanOrEqual(server.clientMaxWindowBits);
        const asked = clientOptions.serverMaxWindowBits;
        if (typeof asked === 'number') {
          expect(server.serverMaxWindowBits).toBeLessThanOrEqual(asked);
        }
      }),
      { numRuns: 2000 },
    );
    // Enough of the pairs must come to an agreement for the above to mean something.
    expect(agreed).toBeGreaterThan(200);
  });

  it('agree by default on full windows that are kept', () => {
    const accepted = answer(offer({}));
    expect(accepted).toEqual({ text: 'permessage-deflate', parameters: PLAIN });
    expect(read('')).toEqual(PLAIN);
  });
});

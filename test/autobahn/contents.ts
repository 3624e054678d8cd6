// What the messages of groups 12 and 13 are made of: five kinds of data, as different to a compressor
// as those of the well-known suite (a JSON file, a bitmap, a play, a web page, a PDF), made up here,
// the same in every run. Text is ASCII, so that it can be cut anywhere.

/** Numbers from 0 up to `below`, always the same ones (a linear congruential generator). */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Pieces until there are enough of them. */
function gather(length: number, piece: (index: number) => Buffer | string): Buffer {
  const pieces: Buffer[] = [];
  for (let total = 0; total < length; ) {
    const next = Buffer.from(piece(pieces.length));
    pieces.push(next);
    total += next.length;
  }
  return Buffer.concat(pieces);
}

const SYLLABLES = ['ha', 'be', 'nun', 'ach', 'phi', 'lo', 'so', 'ju', 'ri', 'ste', 'rei', 'und'];

function word(number: (below: number) => number): string {
  return Array.from({ length: 1 + number(3) }, () => SYLLABLES[number(12)]).join('');
}

function json(): Buffer {
  const number = numbers(1);
  return gather(200_000, (id) => {
    const name = `${word(number)} ${word(number)}`;
    const tags = Array.from({ length: number(4) }, () => word(number));
    return `${JSON.stringify({ id, name, active: number(2) === 1, balance: number(1e6) / 100, tags })},\n`;
  });
}

/** Rows of gray that change slowly, with some noise. */
function picture(): Buffer {
  const number = numbers(2);
  const header = Buffer.from(`BM${' '.repeat(52)}`);
  const row = (y: number) =>
    Buffer.from(
      Array.from({ length: 512 }, (_, x) => {
        const gray = 128 + 60 * Math.sin(x / 40) + 50 * Math.cos((x + 2 * y) / 70);
        return Math.round(gray / 4) * 4 + number(3);
      }),
    );
  return Buffer.concat([header, gather(200_000, row)]);
}

/** Verses; in Latin-1, as the play is. */
function play(): Buffer {
  const number = numbers(3);
  return gather(200_000, (line) => {
    const words = Array.from({ length: 5 + number(4) }, () => word(number)).join(' ');
    const umlaut = number(3) === 0 ? ' f\u00fcr' : '';
    return Buffer.from(`${line % 8 === 0 ? '\r\nFAUST:\r\n' : ''}${words}${umlaut},\r\n`, 'latin1');
  });
}

function page(): Buffer {
  const number = numbers(4);
  return gather(200_000, (item) => {
    const text = Array.from({ length: 3 + number(12) }, () => word(number)).join(' ');
    return `<li class="item item-${item % 7}"><a href="/${word(number)}/${item}">${text}</a></li>\n`;
  });
}

/** Short runs of operators between long ones of what is compressed already. */
function pdf(): Buffer {
  const number = numbers(5);
  return gather(400_000, (id) => {
    const bytes = Buffer.from(Array.from({ length: 2000 + number(20_000) }, () => number(256)));
    const head = `${id} 0 obj\n<< /Length ${bytes.length} /Filter /FlateDecode >>\nstream\n`;
    return Buffer.concat([Buffer.from(head), bytes, Buffer.from('\nendstream\nendobj\n')]);
  });
}

export interface Content {
  readonly name: string;
  readonly kind: 'text' | 'binary';
  readonly bytes: Buffer;
  /** Whether a compressor gains anything. */
  readonly compressible: boolean;
}

export const JSON_FILE: Content = {
  ...{ name: 'JSON', kind: 'text', bytes: json(), compressible: true },
};

/** In the order of the subgroups 12.1 to 12.5. */
export const CONTENTS: readonly Content[] = [
  JSON_FILE,
  { name: 'a picture', kind: 'binary', bytes: picture(), compressible: true },
  { name: 'a play', kind: 'binary', bytes: play(), compressible: true },
  { name: 'a web page', kind: 'text', bytes: page(), compressible: true },
  { name: 'a PDF', kind: 'binary', bytes: pdf(), compressible: false },
];

/** Messages of `length` bytes each, one after the other from the content, over and over. */
export function messagesOf({ bytes }: Content, length: number, count: number): Buffer[] {
  const twice = Buffer.concat([bytes, bytes]);
  return Array.from({ length: count }, (_, i) => {
    const start = (i * length) % bytes.length;
    return twice.subarray(start, start + length);
  });
}

// Numbers and sizes as people read them, in the terminal and on the page alike.

/** Three significant digits; whole numbers with thin groups from 100 up. */
export function formatNumber(value: number | null, digits = 3): string {
  if (value === null) return '–';
  // Rounding may carry into the next power of ten.
  const rounded = Number(value.toPrecision(digits));
  if (value !== 0 && Math.abs(rounded) < 10 ** (digits - 1)) {
    const decimals = digits - 1 - Math.floor(Math.log10(Math.abs(rounded)));
    return rounded.toFixed(Math.max(0, decimals));
  }
  return Math.round(value).toLocaleString('en-US').replaceAll(',', '\u202f');
}

export function formatShare(value: number | null): string {
  return value === null ? '–' : `${Math.round(value * 100)}\u202f%`;
}

/** Bytes with a binary unit. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toFixed(1))}\u202f${units[unit]}`;
}

/** A number with what it counts shortened: 1.2 k, 3.4 M. */
export function formatCompact(value: number): string {
  const steps = [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const;
  const step = steps.find(([size]) => Math.abs(value) >= size);
  const [size, suffix] = step ?? [1, ''];
  return `${Number((value / size).toPrecision(3))}${suffix === '' ? '' : `\u202f${suffix}`}`;
}

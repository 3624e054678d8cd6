// The Origin policy (§10.2): which pages' scripts may connect. Browsers send cookies along with every
// handshake, so without a check any page on the web could act for its visitor.

/**
 * An origin, `https://app.example.com`; a pattern in which `*` stands for one or more characters
 * other than `/`, `https://*.example.com`; a regular expression for the whole value; or `*` for all.
 */
export type OriginPattern = string | RegExp;

/** Whether `origin` is one of `allowed`. Compares without case, as schemes and hosts are. */
export function isListedOrigin(origin: string, allowed: readonly OriginPattern[]): boolean {
  return allowed.some((pattern) =>
    typeof pattern === 'string' ? matches(origin, pattern) : testWhole(origin, pattern),
  );
}

/**
 * Whether the origin's host and port are those in the Host field. `null` and what is not a URL have
 * no host. A port that is the default of the origin's scheme may be left out on either side.
 */
export function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const url = new URL(origin);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return false;
  const own = `${url.protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === url.host;
}

function matches(origin: string, pattern: string): boolean {
  if (pattern === '*') return true;
  const wanted = pattern.toLowerCase();
  const given = origin.toLowerCase();
  if (!wanted.includes('*')) return wanted === given;
  const parts = wanted.split('*').map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^/]+')}$`).test(given);
}

/** A pattern that fits a part is not enough: `/example\.com/` would let `example.com.evil` in. */
function testWhole(origin: string, pattern: RegExp): boolean {
  const whole = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gy]/g, ''));
  return whole.test(origin);
}

// The page's own code: one WebSocket, a log of what goes through it, and a clock on the round trip.
// It knows the demo's small convention (demo/probe.ts): with the subprotocol below, the texts
// `demo:echo …` and `demo:ping` are between page and server, and nobody else hears them.

const PROTOCOL = 'demo.handfast';
const PROBE_EVERY = 2000; // ms
const ROWS = 400;
const SAMPLES = 40;
const KEPT_BYTES = 64 * 1024 * 1024;
const PREVIEW = 400; // characters of a text

const $ = (id) => document.getElementById(id);
const log = $('log');
const frame = $('log-frame');
const encoder = new TextEncoder();

/** @type {WebSocket | undefined} */
let socket;
/** @type {File | undefined} */
let chosen;
let sent = { messages: 0, bytes: 0 };
let received = { messages: 0, bytes: 0 };

// ---- words and numbers

function bytes(n) {
  if (n < 1024) return `${n} B`;
  if (n < 1024 * 1024) return `${(n / 1024).toFixed(1)} KiB`;
  return `${(n / 1024 / 1024).toFixed(1)} MiB`;
}

const count = (n, noun) => `${n} ${noun}${n === 1 ? '' : 's'}`;
const ms = (n) => (n < 10 ? n.toFixed(1) : Math.round(n).toString());

function clock() {
  const now = new Date();
  const two = (n) => String(n).padStart(2, '0');
  const millis = String(now.getMilliseconds()).padStart(3, '0');
  return `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}.${millis}`;
}

// ---- the log

const WAYS = { out: ['→', 'Sent'], in: ['←', 'Received'], event: ['·', ''] };

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Adds a row and returns its body, for what is found out later. `kind` is text, binary, probe or ''. */
function addRow(way, kind, preview, size) {
  const [glyph, word] = WAYS[way];
  const row = element('li', `row ${way} ${kind}`);
  const arrow = element('span', 'way');
  const sign = element('span', '', glyph);
  sign.setAttribute('aria-hidden', 'true');
  arrow.append(sign, element('span', 'visually-hidden', word));
  const body = element('div', 'body');
  body.append(element('span', 'preview', preview));
  const type = kind.startsWith('binary') ? 'binary' : 'text';
  row.append(
    element('time', '', clock()),
    arrow,
    body,
    element('span', 'size', size === undefined ? '' : `${type}  ${bytes(size)}`),
  );
  const atEnd = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 40;
  log.append(row);
  while (log.childElementCount > ROWS) log.firstElementChild.remove();
  $('empty').hidden = true;
  if (atEnd) frame.scrollTop = frame.scrollHeight;
  return body;
}

const addEvent = (text) => addRow('event', '', text);

function shorten(text) {
  if (text.length <= PREVIEW) return text;
  return `${text.slice(0, PREVIEW)}… (${text.length} characters)`;
}

function tally(total, size, fact) {
  total.messages += 1;
  total.bytes += size;
  fact.textContent = `${count(total.messages, 'message')}, ${bytes(total.bytes)}`;
}

// ---- received files: kept as object URLs while they fit in a budget, oldest given up first

/** @type {{ url: string, size: number, body: HTMLElement }[]} */
const kept = [];
let files = 0;

const IMAGES = [
  ['image/png', 'png', /^89504e470d0a1a0a/],
  ['image/jpeg', 'jpg', /^ffd8ff/],
  ['image/gif', 'gif', /^47494638/],
  ['image/webp', 'webp', /^52494646.{8}57454250/],
];

function keep(url, size, body) {
  kept.push({ url, size, body });
  let total = kept.reduce((sum, one) => sum + one.size, 0);
  while (total > KEPT_BYTES && kept.length > 1) {
    const oldest = kept.shift();
    total -= oldest.size;
    URL.revokeObjectURL(oldest.url);
    for (const gone of oldest.body.querySelectorAll('a, img')) gone.remove();
    oldest.body.append(element('span', 'hint', ' no longer kept'));
  }
}

async function showFile(blob, body) {
  const head = new Uint8Array(await blob.slice(0, 16).arrayBuffer());
  const hex = Array.from(head, (byte) => byte.toString(16).padStart(2, '0'));
  const known = IMAGES.find(([, , magic]) => magic.test(hex.join('')));
  body.querySelector('.preview').textContent = `${hex.join(' ')}${blob.size > 16 ? ' …' : ''} `;
  if (blob.size === 0) return;
  files += 1;
  const url = URL.createObjectURL(known ? new Blob([blob], { type: known[0] }) : blob);
  const link = element('a', '', 'Save');
  link.href = url;
  link.download = `received-${files}.${known ? known[1] : 'bin'}`;
  link.setAttribute('aria-label', `Save the received file, ${bytes(blob.size)}`);
  body.append(link);
  if (known) {
    const image = element('img');
    image.alt = `Received image, ${bytes(blob.size)}`;
    image.onload = () => {
      if (body.parentElement === log.lastElementChild) frame.scrollTop = frame.scrollHeight;
    };
    image.onerror = () => image.remove();
    image.src = url;
    body.append(image);
  }
  keep(url, blob.size, body);
}

// ---- latency: the round trip of `demo:echo n`, and the server's own Ping and Pong on request

/** @type {number[]} */
let samples = [];
/** @type {Map<string, number>} */
const waiting = new Map();
let probes = 0;
let first = 0;
let timer = 0;

/** The probe that a pressed Ping waits for; its measurement is told in the log. */
let told = '';

function probe() {
  if (socket?.readyState !== WebSocket.OPEN || waiting.size >= 8) return '';
  probes += 1;
  const text = `demo:echo ${probes}`;
  waiting.set(text, performance.now());
  sendText(text, 'probe');
  return text;
}

function spark() {
  const line = $('spark-line');
  const area = $('spark-area');
  if (samples.length < 2) {
    line.setAttribute('d', '');
    area.setAttribute('d', '');
    return;
  }
  const top = Math.max(...samples) * 1.15;
  const step = 240 / (SAMPLES - 1);
  const start = 240 - step * (samples.length - 1);
  const points = samples.map((n, i) => {
    return `${(start + i * step).toFixed(1)} ${(46 - (n / top) * 42).toFixed(1)}`;
  });
  line.setAttribute('d', `M${points.join('L')}`);
  area.setAttribute('d', `M${start.toFixed(1)} 48L${points.join('L')}L240 48Z`);
}

function measured(round) {
  samples = [...samples, round].slice(-SAMPLES);
  const sorted = samples.toSorted((a, b) => a - b);
  $('latency').textContent = ms(round);
  const [best, middle, worst] = [0, sorted.length >> 1, sorted.length - 1].map((i) =>
    ms(sorted[i]),
  );
  const summary = `best ${best}, median ${middle}, worst ${worst} ms of ${samples.length}`;
  $('latency-summary').textContent = `Round trip of a message: ${summary}.`;
  $('spark').setAttribute('aria-label', `Round trips: ${summary}`);
  spark();
}

/** Takes what belongs to the demo's convention; false when the text is an ordinary message. */
function takeProbe(text) {
  const since = waiting.get(text);
  if (since !== undefined) {
    const round = performance.now() - since;
    waiting.delete(text);
    measured(round);
    if (text === told) {
      told = '';
      addEvent(`Round trip, measured here: ${ms(round)} ms`);
    }
    return true;
  }
  const pong = socket?.protocol === PROTOCOL && /^demo:pong (\d+\.\d+)$/.exec(text);
  if (!pong) return false;
  $('pong').textContent = `Ping to Pong, measured by the server: ${pong[1]} ms.`;
  addEvent(`Ping to Pong, measured there: ${pong[1]} ms`);
  return true;
}

// ---- the connection

const STATES = {
  closed: 'Not connected',
  connecting: 'Connecting…',
  open: 'Open',
  closing: 'Closing…',
};

function setState(state, words = STATES[state]) {
  document.body.dataset.state = state;
  $('state').textContent = words;
  const open = state === 'open';
  for (const id of ['text', 'file', 'send', 'ping', 'close']) $(id).disabled = !open;
  $('endpoints').disabled = state !== 'closed';
  $('connect').disabled = state === 'closing';
  $('connect').textContent = { closed: 'Connect', connecting: 'Give up' }[state] ?? 'Disconnect';
}

const endpoint = () => document.querySelector('input[name=endpoint]:checked');

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const url = `${scheme}://${location.host}${endpoint().value}`;
  sent = { messages: 0, bytes: 0 };
  received = { messages: 0, bytes: 0 };
  samples = [];
  waiting.clear();
  told = '';
  spark();
  $('latency').textContent = '–';
  $('fact-url').textContent = url;
  for (const fact of ['protocol', 'extensions', 'sent', 'received']) {
    $(`fact-${fact}`).textContent = '–';
  }
  setState('connecting');
  socket = new WebSocket(url, PROTOCOL);
  socket.binaryType = 'blob';
  socket.onopen = opened;
  socket.onmessage = ({ data }) => (typeof data === 'string' ? textCame(data) : fileCame(data));
  socket.onclose = closed;
}

function opened() {
  setState('open', `Open on ${new URL(socket.url).pathname}`);
  $('fact-protocol').textContent = socket.protocol || 'none';
  $('fact-extensions').textContent = socket.extensions || 'none';
  addEvent(`Open: ${socket.url}`);
  // The first probe lets the page settle, or it would measure the page.
  first = setTimeout(probe, 250);
  timer = setInterval(probe, PROBE_EVERY);
  $('text').focus({ preventScroll: true });
}

function closed(event) {
  clearTimeout(first);
  clearInterval(timer);
  socket = undefined;
  const reason = event.reason ? ` “${event.reason}”` : '';
  const manner = event.wasClean ? '' : ', not cleanly';
  setState('closed', `Closed, ${event.code}`);
  addEvent(`Closed: ${event.code}${reason}${manner}`);
}

function textCame(text) {
  const size = encoder.encode(text).length;
  const mine = takeProbe(text);
  const notice = text.startsWith('* ') && socket.url.endsWith('/chat');
  addRow('in', mine ? 'probe' : notice ? 'text notice' : 'text', shorten(text), size);
  tally(received, size, $('fact-received'));
}

function fileCame(blob) {
  tally(received, blob.size, $('fact-received'));
  const body = addRow('in', 'binary', '', blob.size);
  showFile(blob, body).catch(() => body.append('could not be read'));
}

function sendText(text, kind) {
  const size = encoder.encode(text).length;
  socket.send(text);
  addRow('out', kind, shorten(text), size);
  tally(sent, size, $('fact-sent'));
}

function sendFile(file) {
  socket.send(file);
  addRow('out', 'binary', file.name, file.size);
  tally(sent, file.size, $('fact-sent'));
}

// ---- the controls

$('connect-form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (!socket) return connect();
  setState('closing');
  socket.close(1000);
});

$('send-form').addEventListener('submit', (event) => {
  event.preventDefault();
  if (socket?.readyState !== WebSocket.OPEN) return;
  const text = $('text').value;
  const limit = Number(endpoint().dataset.limit);
  if (encoder.encode(text).length > limit) return hintFile(`More text than ${bytes(limit)}`, true);
  if (chosen) sendFile(chosen);
  if (text || !chosen) sendText(text, 'text');
  $('text').value = '';
  choose(undefined);
});

$('text').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $('send-form').requestSubmit();
});

const IDLE = $('file-facts').textContent;

function hintFile(words, wrong = false) {
  $('file-facts').textContent = words;
  $('file-facts').classList.toggle('wrong', wrong);
  $('file-facts').classList.toggle('idle', words === IDLE);
}

function choose(file) {
  const limit = Number(endpoint().dataset.limit);
  chosen = file && file.size <= limit ? file : undefined;
  $('drop-file').hidden = !chosen;
  if (!chosen) $('file').value = '';
  if (chosen) hintFile(`${file.name}, ${bytes(file.size)}`);
  else if (file)
    hintFile(
      `${file.name} is larger than ${bytes(limit)}, the most ${endpoint().value} takes`,
      true,
    );
  else hintFile(IDLE);
}

$('file').addEventListener('change', () => choose($('file').files[0]));
$('drop-file').addEventListener('click', () => {
  choose(undefined);
  $('text').focus();
});

for (const name of ['dragover', 'dragleave', 'drop']) {
  frame.addEventListener(name, (event) => {
    event.preventDefault();
    frame.classList.toggle('dropping', name === 'dragover');
    if (name === 'drop' && socket) choose(event.dataTransfer.files[0]);
  });
}

$('ping').addEventListener('click', () => {
  told = probe() || told;
  sendText('demo:ping', 'probe');
});

$('close-form').addEventListener('submit', (event) => {
  event.preventDefault();
  const code = Number($('code').value);
  const reason = $('reason').value;
  // The API lets a page use these codes and no others, and a control frame carries 125 bytes.
  const allowed = code === 1000 || (Number.isInteger(code) && code >= 3000 && code <= 4999);
  const short = encoder.encode(reason).length <= 123;
  $('close-hint').classList.toggle('wrong', !allowed || !short);
  if (!allowed) return $('code').focus();
  if (!short) return $('reason').focus();
  setState('closing');
  socket?.close(code, reason);
});

$('clear').addEventListener('click', () => {
  for (const { url } of kept.splice(0)) URL.revokeObjectURL(url);
  log.replaceChildren();
  $('empty').hidden = false;
});

function showProbes() {
  log.classList.toggle('hide-probes', !$('show-probes').checked);
}

$('show-probes').addEventListener('change', showProbes);
showProbes();
setState('closed');

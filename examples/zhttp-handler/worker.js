/**
 * A streaming backend without a web server: an answer that comes line by line, uploads of any size, and WebSockets.
 *
 *     holdfast --route '* zhttp/tcp://127.0.0.1:10000'
 *     node examples/zhttp-handler/worker.js [address]      tcp://127.0.0.1:10000 by default
 *     curl -i http://localhost:7999/                        five lines, one after the other
 *     curl -i -T some-file http://localhost:7999/           counts the bytes
 *
 * A WebSocket hears what it says. Start as many workers as you like: each request goes to one of them and stays there.
 */
import { Pull, Router, XPublisher } from 'zeromq';

/** Bytes that the other side may send before it hears that some were taken. */
const WINDOW = 200_000;
/** Milliseconds: each session has to hear of us at least once a minute, and five lines do not come at once. */
const SIGN_OF_LIFE = 30_000;
const LINE_INTERVAL = 200;

/** LENGTH ':' BYTES TAG; the tag says what the bytes are. */
function encode(value) {
  if (value === null) return tagged('', '~');
  if (typeof value === 'boolean') return tagged(String(value), '!');
  if (typeof value === 'number') return tagged(String(value), Number.isInteger(value) ? '#' : '^');
  if (typeof value === 'string' || Buffer.isBuffer(value)) return tagged(value, ',');
  if (Array.isArray(value)) return tagged(Buffer.concat(value.map(encode)), ']');
  return tagged(Buffer.concat(Object.entries(value).flat().map(encode)), '}');
}

function tagged(content, tag) {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes, Buffer.from(tag)]);
}

/** Strings stay buffers: a body may be anything. */
function decode(bytes) {
  return decodeFirst(bytes).value;
}

function decodeFirst(bytes) {
  const colon = bytes.indexOf(':');
  const end = colon + 1 + Number(bytes.subarray(0, colon));
  const content = bytes.subarray(colon + 1, end);
  return { value: decodeContent(content, String.fromCharCode(bytes[end])), rest: bytes.subarray(end + 1) };
}

function decodeContent(content, tag) {
  switch (tag) {
    case ',':
      return content;
    case '#':
    case '^':
      return Number(content);
    case '!':
      return content.toString() === 'true';
    case ']':
      return decodeAll(content);
    case '}': {
      const flat = decodeAll(content);
      const map = {};
      for (let at = 0; at < flat.length; at += 2) map[flat[at]] = flat[at + 1];
      return map;
    }
    default:
      return null;
  }
}

function decodeAll(content) {
  const values = [];
  for (let left = content; left.length > 0; ) {
    const { value, rest } = decodeFirst(left);
    values.push(value);
    left = rest;
  }
  return values;
}

/** `tcp://HOST:PORT` is three ports in a row, any other address three names. */
function addressesOf(base) {
  const [, host, port] = /^(tcp:.*:)(\d+)$/.exec(base) ?? [];
  if (port === undefined) return [`${base}-out`, `${base}-out-stream`, `${base}-in`];
  return [base, `${host}${Number(port) + 1}`, `${host}${Number(port) + 2}`];
}

const base = process.argv[2] ?? 'tcp://127.0.0.1:10000';
const name = `worker-${process.pid}`;
const [out, outStream, incoming] = addressesOf(base);
/** First packets, what follows them, and the way to answer. */
const requests = new Pull();
const followUps = new Router({ routingId: name });
const answers = new XPublisher();
followUps.connect(outStream);
answers.connect(incoming);
// What is published before Holdfast has subscribed is lost: nothing may be asked of us before.
await answers.receive();
requests.connect(out);
console.log(`connected to ${base}`);

const sessions = new Map();

/** Packets of a session are numbered from 0; the next one is not sent before this one is. */
async function send(session, fields) {
  const packet = encode({ from: name, id: session.id, seq: session.seq, ...fields });
  session.seq += 1;
  await answers.send(Buffer.concat([session.to, Buffer.from(' T'), packet]));
}

function end(session, fields) {
  clearInterval(session.timer);
  sessions.delete(session.id);
  return send(session, fields);
}

async function begin(packet) {
  const session = { id: String(packet.id), to: packet.from, seq: 0, bytes: 0, socket: packet.method === undefined };
  // What a WebSocket has still to be told, and the bytes that may be.
  Object.assign(session, { echoes: [], credits: packet.credits ?? 0 });
  sessions.set(session.id, session);
  console.log(`${packet.method ?? 'WebSocket'} ${packet.uri}`);
  if (session.socket) {
    await send(session, { code: 101, reason: 'Switching Protocols', headers: [], credits: WINDOW });
  } else if (packet.more || packet.body) {
    // The rest comes when there are credits for it; what came with the first packet needed none.
    await upload(session, packet, WINDOW);
  } else {
    await stream(session);
  }
}

/** Five lines; few enough bytes that their credits need not be counted. */
async function stream(session) {
  await send(session, { code: 200, reason: 'OK', headers: [['Content-Type', 'text/plain']], more: true });
  let line = 0;
  session.timer = setInterval(() => {
    line += 1;
    const body = `line ${line}\n`;
    if (line < 5) void send(session, { body, more: true });
    else void end(session, { body });
  }, LINE_INTERVAL);
}

/** Takes a part of a body, and answers the last one. @param credits - bytes that may come in addition */
async function upload(session, { body, more }, credits) {
  session.bytes += body?.length ?? 0;
  if (more) {
    if (credits > 0) await send(session, { type: 'credit', credits });
    return;
  }
  const text = `${session.bytes} bytes\n`;
  await end(session, { code: 200, reason: 'OK', headers: [['Content-Type', 'text/plain']], body: text });
}

/** Says what waits, as far as there are credits; only then may as much come again. */
async function echo(session) {
  while (session.echoes.length > 0 && session.echoes[0].body.length <= session.credits) {
    const word = session.echoes.shift();
    session.credits -= word.body.length;
    await send(session, { ...word, credits: word.body.length });
  }
}

async function follow(session, packet) {
  session.credits += packet.credits ?? 0;
  const { body = '', more = false } = packet;
  switch (packet.type === undefined ? 'data' : String(packet.type)) {
    case 'data':
      // What came was taken, and as much may come again.
      if (!session.socket) return upload(session, packet, body.length);
      session.echoes.push({ 'content-type': packet['content-type'] ?? 'text', body, ...(more ? { more } : {}) });
      break;
    case 'ping':
      session.echoes.push({ type: 'pong', body });
      break;
    case 'close':
      return end(session, { type: 'close', ...(packet.code === undefined ? {} : { code: packet.code }) });
    case 'cancel':
    case 'error':
      clearInterval(session.timer);
      sessions.delete(session.id);
      console.log(`over: ${session.id}`);
      return;
  }
  await echo(session);
}

/** One packet may be for several sessions; only signs of life are, and they need no answer. */
async function hearFollowUps() {
  for await (const frames of followUps) {
    const packet = decode(frames.at(-1).subarray(1));
    const session = Buffer.isBuffer(packet.id) ? sessions.get(String(packet.id)) : undefined;
    if (session !== undefined) await follow(session, packet);
  }
}

setInterval(() => {
  for (const session of sessions.values()) void send(session, { type: 'keep-alive' });
}, SIGN_OF_LIFE);

void hearFollowUps();
for await (const [frame] of requests) await begin(decode(frame.subarray(1)));

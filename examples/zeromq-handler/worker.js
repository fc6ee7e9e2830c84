/**
 * A backend without a web server: requests come over ZeroMQ as tagged netstrings, and each answer opens a stream.
 *
 *     holdfast --route '* zhttpreq/tcp://127.0.0.1:10000'
 *     node examples/zeromq-handler/worker.js [address]      tcp://127.0.0.1:10000 by default
 *     curl -i http://localhost:7999/
 *
 * Start as many workers as you like: each request goes to one of them.
 */
import { Reply } from 'zeromq';

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

const address = process.argv[2] ?? 'tcp://127.0.0.1:10000';
const socket = new Reply();
socket.connect(address);
console.log(`connected to ${address}`);

for await (const [message] of socket) {
  // The first byte says how the rest is encoded; T is a tagged netstring.
  const request = decode(message.subarray(1));
  console.log(`${request.method} ${request.uri}`);
  const response = {
    id: request.id,
    code: 200,
    reason: 'OK',
    headers: [
      ['Grip-Hold', 'stream'],
      ['Grip-Channel', 'test'],
      ['Content-Type', 'text/plain'],
    ],
    body: 'welcome to the stream\n',
  };
  await socket.send(Buffer.concat([Buffer.from('T'), encode(response)]));
}

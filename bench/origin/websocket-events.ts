/** WebSocket-over-HTTP as the origin of a benchmark speaks it: accepts, subscribes, echoes, closes. */

interface Event {
  readonly type: string;
  /** Undefined for an event without content. */
  readonly content: Buffer | undefined;
}

/** @param channel - subscribed to when the connection opens; empty subscribes to none */
export function answerEvents(body: Buffer, channel: string): Buffer {
  const answers: Buffer[] = [];
  for (const { type, content } of eventsOf(body)) {
    switch (type) {
      case 'OPEN':
        answers.push(Buffer.from('OPEN\r\n'));
        if (channel !== '')
          answers.push(event('TEXT', Buffer.from(`c:${JSON.stringify({ type: 'subscribe', channel })}`)));
        break;
      case 'TEXT':
      case 'BINARY':
        answers.push(event(type, Buffer.concat([Buffer.from('m:'), content ?? Buffer.alloc(0)])));
        break;
      case 'CLOSE':
        answers.push(content === undefined ? Buffer.from('CLOSE\r\n') : event('CLOSE', content));
        break;
      case 'PING':
        answers.push(content === undefined ? Buffer.from('PONG\r\n') : event('PONG', content));
    }
  }
  return Buffer.concat(answers);
}

function event(type: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${type} ${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n')]);
}

function* eventsOf(body: Buffer): Generator<Event> {
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf('\r\n', at);
    if (lineEnd < 0) return;
    const [type = '', size] = body.toString('latin1', at, lineEnd).split(' ');
    at = lineEnd + 2;
    if (size === undefined) {
      yield { type, content: undefined };
      continue;
    }
    const end = at + Number.parseInt(size, 16);
    yield { type, content: body.subarray(at, end) };
    at = end + 2;
  }
}

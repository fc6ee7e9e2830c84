"""A streaming backend without a web server: an answer that comes line by line, uploads of any size, and WebSockets.

    holdfast --route '* zhttp/tcp://127.0.0.1:10000'
    python3 examples/zhttp-handler/worker.py [address]      tcp://127.0.0.1:10000 by default
    curl -i http://localhost:7999/                          five lines, one after the other
    curl -i -T some-file http://localhost:7999/             counts the bytes

A WebSocket hears what it says. Needs Python 3 and pyzmq (Debian: apt-get install python3-zmq).
"""

import os
import re
import sys
import time

import zmq

# Bytes that the other side may send before it hears that some were taken.
WINDOW = 200000
# Seconds: each session has to hear of us at least once a minute, and five lines do not come at once.
SIGN_OF_LIFE = 30
LINE_INTERVAL = 0.2


def dumps(value):
    """LENGTH ':' BYTES TAG; the tag says what the bytes are."""
    if value is None:
        return tagged(b'', b'~')
    if isinstance(value, bool):
        return tagged(b'true' if value else b'false', b'!')
    if isinstance(value, int):
        return tagged(str(value).encode(), b'#')
    if isinstance(value, float):
        return tagged(repr(value).encode(), b'^')
    if isinstance(value, str):
        return tagged(value.encode(), b',')
    if isinstance(value, bytes):
        return tagged(value, b',')
    if isinstance(value, (list, tuple)):
        return tagged(b''.join(dumps(one) for one in value), b']')
    if isinstance(value, dict):
        return tagged(b''.join(dumps(key) + dumps(one) for key, one in value.items()), b'}')
    raise TypeError('cannot encode a %s' % type(value).__name__)


def tagged(content, tag):
    return b'%d:%s%s' % (len(content), content, tag)


def loads(data):
    """Strings stay bytes, because a body may be anything; the names in a map become text."""
    return first(data)[0]


def first(data):
    size, _, rest = data.partition(b':')
    end = int(size)
    content, tag = rest[:end], rest[end:end + 1]
    if tag == b',':
        value = content
    elif tag == b'#':
        value = int(content)
    elif tag == b'^':
        value = float(content)
    elif tag == b'!':
        value = content == b'true'
    elif tag == b'~':
        value = None
    elif tag == b']':
        value = every(content)
    elif tag == b'}':
        flat = every(content)
        value = {key.decode(): one for key, one in zip(flat[::2], flat[1::2])}
    else:
        raise ValueError('unknown tag %r' % tag)
    return value, rest[end + 1:]


def every(content):
    values = []
    while content:
        value, content = first(content)
        values.append(value)
    return values


def addresses_of(base):
    """tcp://HOST:PORT is three ports in a row, any other address three names."""
    match = re.fullmatch(r'(tcp:.*:)(\d+)', base)
    if match is None:
        return base + '-out', base + '-out-stream', base + '-in'
    host, port = match.group(1), int(match.group(2))
    return base, '%s%d' % (host, port + 1), '%s%d' % (host, port + 2)


class Worker:
    def __init__(self, base):
        out, out_stream, incoming = addresses_of(base)
        context = zmq.Context()
        self.name = b'worker-%d' % os.getpid()
        # First packets, what follows them, and the way to answer.
        self.requests = context.socket(zmq.PULL)
        self.follow_ups = context.socket(zmq.ROUTER)
        self.answers = context.socket(zmq.XPUB)
        self.follow_ups.setsockopt(zmq.IDENTITY, self.name)
        self.follow_ups.connect(out_stream)
        self.answers.connect(incoming)
        # What is published before Holdfast has subscribed is lost: nothing may be asked of us before.
        self.answers.recv()
        self.requests.connect(out)
        self.sessions = {}

    def send(self, session, **fields):
        """Packets of a session are numbered from 0."""
        packet = {'from': self.name, 'id': session['id'], 'seq': session['seq']}
        packet.update({name.replace('_', '-'): value for name, value in fields.items()})
        session['seq'] += 1
        session['said'] = time.monotonic()
        self.answers.send(session['to'] + b' T' + dumps(packet))

    def end(self, session, **fields):
        del self.sessions[session['id']]
        self.send(session, **fields)

    def begin(self, packet):
        session = {
            'id': packet['id'],
            'to': packet['from'],
            'seq': 0,
            'said': 0,
            'bytes': 0,
            'lines': 0,
            'due': None,
            'socket': 'method' not in packet,
            # What a WebSocket has still to be told, and the bytes that may be.
            'echoes': [],
            'credits': packet.get('credits', 0),
        }
        self.sessions[session['id']] = session
        print(packet.get('method', b'WebSocket').decode(), packet['uri'].decode(), flush=True)
        if session['socket']:
            self.send(session, code=101, reason='Switching Protocols', headers=[], credits=WINDOW)
        elif packet.get('more') or packet.get('body'):
            # The rest comes when there are credits for it; what came with the first packet needed none.
            self.upload(session, packet, WINDOW)
        else:
            self.send(session, code=200, reason='OK', headers=[['Content-Type', 'text/plain']], more=True)
            session['due'] = time.monotonic() + LINE_INTERVAL

    def next_line(self, session):
        """Five lines; few enough bytes that their credits need not be counted."""
        session['lines'] += 1
        body = 'line %d\n' % session['lines']
        if session['lines'] < 5:
            session['due'] += LINE_INTERVAL
            self.send(session, body=body, more=True)
        else:
            self.end(session, body=body)

    def upload(self, session, packet, credits):
        """Takes a part of a body, and answers the last one; credits: bytes that may come in addition."""
        session['bytes'] += len(packet.get('body', b''))
        if not packet.get('more'):
            text = '%d bytes\n' % session['bytes']
            self.end(session, code=200, reason='OK', headers=[['Content-Type', 'text/plain']], body=text)
        elif credits > 0:
            self.send(session, type='credit', credits=credits)

    def echo(self, session):
        """Says what waits, as far as there are credits; only then may as much come again."""
        while session['echoes'] and len(session['echoes'][0]['body']) <= session['credits']:
            word = session['echoes'].pop(0)
            session['credits'] -= len(word['body'])
            self.send(session, credits=len(word['body']), **word)

    def follow(self, session, packet):
        kind = packet.get('type', b'data')
        body = packet.get('body', b'')
        session['credits'] += packet.get('credits', 0)
        if kind == b'data' and not session['socket']:
            # What came was taken, and as much may come again.
            self.upload(session, packet, len(body))
        elif kind == b'data':
            word = {'content_type': packet.get('content-type', b'text'), 'body': body}
            session['echoes'].append({**word, 'more': True} if packet.get('more') else word)
        elif kind == b'ping':
            session['echoes'].append({'type': 'pong', 'body': body})
        elif kind == b'close':
            fields = {'code': packet['code']} if 'code' in packet else {}
            self.end(session, type='close', **fields)
        elif kind in (b'cancel', b'error'):
            del self.sessions[session['id']]
            print('over:', session['id'].decode(), flush=True)
        if session['id'] in self.sessions:
            self.echo(session)

    def work(self):
        poller = zmq.Poller()
        poller.register(self.requests, zmq.POLLIN)
        poller.register(self.follow_ups, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(50))
            if self.requests in ready:
                self.begin(loads(self.requests.recv()[1:]))
            if self.follow_ups in ready:
                packet = loads(self.follow_ups.recv_multipart()[-1][1:])
                # One packet may be for several sessions; only signs of life are, and they need no answer.
                session = self.sessions.get(packet['id']) if isinstance(packet['id'], bytes) else None
                if session is not None:
                    self.follow(session, packet)
            now = time.monotonic()
            for session in list(self.sessions.values()):
                if session['due'] is not None and now >= session['due']:
                    self.next_line(session)
                elif now - session['said'] > SIGN_OF_LIFE:
                    self.send(session, type='keep-alive')


def main():
    base = sys.argv[1] if len(sys.argv) > 1 else 'tcp://127.0.0.1:10000'
    worker = Worker(base)
    print('connected to', base, flush=True)
    worker.work()


if __name__ == '__main__':
    main()

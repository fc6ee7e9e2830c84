"""A backend without a web server: requests come over ZeroMQ as tagged netstrings, and each answer opens a stream.

    holdfast --route '* zhttpreq/tcp://127.0.0.1:10000'
    python3 examples/zeromq-handler/worker.py [address]      tcp://127.0.0.1:10000 by default
    curl -i http://localhost:7999/

Needs Python 3 and pyzmq (Debian: apt-get install python3-zmq).
"""

import sys

import zmq


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


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else 'tcp://127.0.0.1:10000'
    socket = zmq.Context().socket(zmq.REP)
    socket.connect(address)
    print('connected to', address, flush=True)

    while True:
        # The first byte says how the rest is encoded; T is a tagged netstring.
        request = loads(socket.recv()[1:])
        print(request['method'].decode(), request['uri'].decode(), flush=True)
        response = {
            'id': request['id'],
            'code': 200,
            'reason': 'OK',
            'headers': [
                ['Grip-Hold', 'stream'],
                ['Grip-Channel', 'test'],
                ['Content-Type', 'text/plain'],
            ],
            'body': 'welcome to the stream\n',
        }
        socket.send(b'T' + dumps(response))


if __name__ == '__main__':
    main()

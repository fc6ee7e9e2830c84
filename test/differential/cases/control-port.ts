/**
 * Every answer of the control port (specification 7, 5.4). The requests ask for the connection to be closed, because the
 * original always closes and Holdfast otherwise need not; one case is about just that.
 */
import type { Case } from '../case.js';

/** One request, its answer, and the end. */
function answered(name: string, request: string): Case {
  return { name, run: async (script) => await script.controlAnswer(request) };
}

function request(line: string, headers: readonly string[] = [], body = ''): string {
  return [line, 'Host: control', 'Connection: close', ...headers, '', body].join('\r\n');
}

function publish(body: string, headers: readonly string[] = []): string {
  const bytes = Buffer.from(body).toString('latin1');
  return request('POST /publish/ HTTP/1.1', [`Content-Length: ${bytes.length}`, ...headers], bytes);
}

function accepted(accept: string): Case {
  return answered(`7.2 Accept: ${accept}`, publish('{"items":[]}', [`Accept: ${accept}`]));
}

/** [what is wrong, the item as JSON] */
const BAD_ITEMS: readonly (readonly [string, string])[] = [
  ['that is no object', '1'],
  ['without a channel', '{"http-stream":{"content":"x"}}'],
  ['with a channel of the wrong type', '{"channel":1}'],
  ['with an id of the wrong type', '{"channel":"a","id":1}'],
  ['with a prev-id of the wrong type', '{"channel":"a","prev-id":null}'],
  ['with formats of the wrong type', '{"channel":"a","formats":[]}'],
  ['without formats', '{"channel":"a"}'],
  ['with empty formats', '{"channel":"a","formats":{}}'],
  ['with meta of the wrong type', '{"channel":"a","http-stream":{"content":"x"},"meta":1}'],
  ['with a meta value of the wrong type', '{"channel":"a","http-stream":{"content":"x"},"meta":{"k":1}}'],
  ['with a size of the wrong type', '{"channel":"a","http-stream":{"content":"x"},"size":[]}'],
  ['with a negative size', '{"channel":"a","http-stream":{"content":"x"},"size":-1}'],
  ['with no-seq of the wrong type', '{"channel":"a","http-stream":{"content":"x"},"no-seq":1}'],
  ['with a format that is no object', '{"channel":"a","formats":{"http-response":"x"}}'],
  ['with an action of the wrong type', '{"channel":"a","http-stream":{"action":1}}'],
  ['with an unknown action', '{"channel":"a","http-stream":{"action":"explode"}}'],
  ['with a response code of the wrong type', '{"channel":"a","http-response":{"code":[],"body":""}}'],
  ['with a response code out of range', '{"channel":"a","http-response":{"code":1000,"body":""}}'],
  ['with a reason of the wrong type', '{"channel":"a","http-response":{"reason":1,"body":""}}'],
  ['with headers of the wrong type', '{"channel":"a","http-response":{"headers":1,"body":""}}'],
  ['with a header element of the wrong type', '{"channel":"a","http-response":{"headers":[1],"body":""}}'],
  ['with a header of one element', '{"channel":"a","http-response":{"headers":[["A"]],"body":""}}'],
  ['with a header name of the wrong type', '{"channel":"a","http-response":{"headers":[[1,"x"]],"body":""}}'],
  ['with a header value of the wrong type', '{"channel":"a","http-response":{"headers":[["A",1]],"body":""}}'],
  ['with a header member of the wrong type', '{"channel":"a","http-response":{"headers":{"A":1},"body":""}}'],
  ['with content-filters of the wrong type', '{"channel":"a","http-stream":{"content-filters":"x","content":""}}'],
  ['with a content filter of the wrong type', '{"channel":"a","http-stream":{"content-filters":[1],"content":""}}'],
  ['with a body of the wrong type', '{"channel":"a","http-response":{"body":1}}'],
  ['with a body-bin of the wrong type', '{"channel":"a","http-response":{"body-bin":1}}'],
  ['with a body-patch of the wrong type', '{"channel":"a","http-response":{"body-patch":{}}}'],
  ['without a body', '{"channel":"a","http-response":{}}'],
  ['without stream content', '{"channel":"a","http-stream":{}}'],
  ['with stream content of the wrong type', '{"channel":"a","http-stream":{"content":1}}'],
  ['with binary stream content of the wrong type', '{"channel":"a","http-stream":{"content-bin":1}}'],
  ['with a message type of the wrong type', '{"channel":"a","ws-message":{"type":1,"content":""}}'],
  ['with an unknown message type', '{"channel":"a","ws-message":{"type":"smoke","content":""}}'],
  ['with message content of the wrong type', '{"channel":"a","ws-message":{"content":1}}'],
  ['without message content', '{"channel":"a","ws-message":{"type":"text"}}'],
  ['with a close code of the wrong type', '{"channel":"a","ws-message":{"action":"close","code":[]}}'],
  ['with a negative close code', '{"channel":"a","ws-message":{"action":"close","code":-1}}'],
];

/** [what is special, the item as JSON], every one of them accepted. */
const GOOD_ITEMS: readonly (readonly [string, string])[] = [
  ['with an empty channel', '{"channel":"","http-stream":{"content":"x"}}'],
  ['with empty ids', '{"channel":"a","id":"","prev-id":"","http-stream":{"content":""}}'],
  ['of a format nobody knows and of none', '{"channel":"a","formats":{"smoke":1,"http-stream":{"content":"x"}}}'],
  ['with a size that is true', '{"channel":"a","http-stream":{"content":"x"},"size":true}'],
  ['with a size of a fraction', '{"channel":"a","http-stream":{"content":"x"},"size":1.5}'],
  ['with a ping without content', '{"channel":"a","ws-message":{"type":"ping"}}'],
  ['with a pong without content', '{"channel":"a","ws-message":{"type":"pong"}}'],
  ['that closes with a code of text', '{"channel":"a","ws-message":{"action":"close","code":"1000"}}'],
  ['that closes without a code', '{"channel":"a","ws-message":{"action":"close"}}'],
  ['that hints without content', '{"channel":"a","http-response":{"action":"hint"}}'],
  ['with headers of no members', '{"channel":"a","http-response":{"headers":{},"body":""}}'],
  ['with a patch of a number', '{"channel":"a","http-response":{"body-patch":[1]}}'],
  ['with a patch of no operations', '{"channel":"a","http-response":{"body-patch":[]}}'],
  ['whose member is there twice', '{"channel":1,"channel":"a","http-stream":{"content":"x"}}'],
];

/** [what is wrong, the item as JSON]: which of several faults is named. */
const WORSE_ITEMS: readonly (readonly [string, string])[] = [
  ['that is a list', '[]'],
  ['that is null', 'null'],
  ['with a channel that is null', '{"channel":null,"http-stream":{"content":"x"}}'],
  ['with formats that are null', '{"channel":"a","formats":null,"http-stream":{"content":"x"}}'],
  ['with an action that is null', '{"channel":"a","http-stream":{"action":null,"content":"x"}}'],
  ['with an empty action', '{"channel":"a","http-stream":{"action":"","content":"x"}}'],
  ['with an action of another case', '{"channel":"a","http-stream":{"action":"Close"}}'],
  ['with bad formats behind a bad id', '{"channel":"a","id":1,"http-stream":1}'],
  ['with bad meta behind a bad format', '{"channel":"a","meta":1,"http-stream":{}}'],
  ['with a bad response before a bad stream', '{"channel":"a","http-stream":{},"http-response":{}}'],
  ['with a bad stream before a bad message', '{"channel":"a","ws-message":{},"http-stream":{}}'],
  ['with a stream that is null', '{"channel":"a","http-stream":null}'],
  ['with a header of three elements', '{"channel":"a","http-response":{"headers":[["a","b","c"]],"body":""}}'],
  ['with a negative response code', '{"channel":"a","http-response":{"code":-1,"body":""}}'],
  ['with a response code that is null', '{"channel":"a","http-response":{"code":null,"body":""}}'],
  ['with binary message content of the wrong type', '{"channel":"a","ws-message":{"content-bin":1}}'],
  ['with a bad body-bin and a good body', '{"channel":"a","http-response":{"body":"x","body-bin":1}}'],
  ['with a bad body and a good body-bin', '{"channel":"a","http-response":{"body":1,"body-bin":"eA=="}}'],
  ['with a close reason of the wrong type', '{"channel":"a","ws-message":{"action":"close","reason":1}}'],
  ['with message filters of the wrong type', '{"channel":"a","ws-message":{"content-filters":{},"content":"x"}}'],
  ['with response filters of the wrong type', '{"channel":"a","http-response":{"content-filters":1,"body":"x"}}'],
];

export const CONTROL_PORT: readonly Case[] = [
  answered('7.1 a request without a length', request('POST /publish/ HTTP/1.1')),
  answered(
    '7.1 a chunked request',
    request('POST /publish/ HTTP/1.1', ['Transfer-Encoding: chunked'], 'c\r\n{"items":[]}\r\n0\r\n\r\n'),
  ),
  answered('7.1 a length that is no number', request('POST /publish/ HTTP/1.1', ['Content-Length: many'])),
  answered('7.1 a request line of one word', 'GET\r\n\r\n'),
  answered('7.1 an HTTP/1.0 request gets an HTTP/1.0 answer', 'GET / HTTP/1.0\r\n\r\n'),
  answered('7.1 lines may end with a bare line feed', 'GET / HTTP/1.1\nConnection: close\n\n'),
  answered('7.1 more bytes than the length says', `${publish('{"items":[]}')}more`),
  {
    name: '7.1 Expect: 100-continue',
    run: async (script) => {
      const head =
        'POST /publish/ HTTP/1.1\r\nHost: control\r\nConnection: close\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n';
      const control = await script.control(head);
      await control.until('100 Continue\r\n\r\n');
      control.send('{"items":[]}');
      await control.closed();
    },
  },
  {
    name: '7 a control connection without Connection: close',
    run: async (script) => {
      const control = await script.control('GET / HTTP/1.1\r\nHost: control\r\n\r\n');
      await control.until('API\n');
      control.send('GET / HTTP/1.1\r\nHost: control\r\n\r\n');
      await control.untilOrClosed('API\n');
    },
  },
  accepted('application/json'),
  accepted('text/plain'),
  accepted('*/*'),
  accepted('application/json, text/plain'),
  accepted('text/plain, application/json'),
  accepted('text/plain;q=1, application/*;q=0.1, image/png'),
  accepted('image/png'),
  answered('7.3 the root', request('GET / HTTP/1.1')),
  answered('7.3 the root asked for JSON', request('GET / HTTP/1.1', ['Accept: application/json'])),
  answered('7.3 another path', request('GET /nothing HTTP/1.1')),
  answered('7.3 a query is part of the path', request('GET /?a=1 HTTP/1.1')),
  answered('7.3 publish wants POST', request('GET /publish/ HTTP/1.1')),
  answered('7.3 HEAD on publish', request('HEAD /publish HTTP/1.1')),
  answered('7.3 recover wants POST', request('DELETE /recover HTTP/1.1')),
  answered('7.3 publish without the slash', publish('{"items":[]}').replace('/publish/', '/publish')),
  answered(
    '7.3 an item for nobody is published',
    publish('{"items":[{"channel":"nobody","http-stream":{"content":"x"}}]}'),
  ),
  answered('7.3 a body that is no JSON', publish('{"items":[],}')),
  answered('7.3 a body that is a bare value', publish('"items"')),
  answered('7.3 a body that is a list', publish('[]')),
  answered('7.3 a body without items', publish('{}')),
  answered('7.3 items of the wrong type', publish('{"items":{}}')),
  answered('5.4 a format nobody knows', publish('{"items":[{"channel":"a","formats":{"smoke":{}}}]}')),
  answered(
    '5.2 a size that is text',
    publish('{"items":[{"channel":"a","http-stream":{"content":"x"},"size":"big"}]}'),
  ),
  answered('5.3 a code that is text', publish('{"items":[{"channel":"a","http-response":{"code":"2x","body":""}}]}')),
  answered('5.3 the refresh action', publish('{"items":[{"channel":"a","ws-message":{"action":"refresh"}}]}')),
  ...BAD_ITEMS.map(([what, json]) => answered(`5.4 an item ${what}`, publish(`{"items":[${json}]}`))),
  ...WORSE_ITEMS.map(([what, json]) => answered(`5.4 an item ${what}`, publish(`{"items":[${json}]}`))),
  ...GOOD_ITEMS.map(([what, json]) => answered(`5.2 an item ${what}`, publish(`{"items":[${json}]}`))),
  answered('5.4 a second item that is bad', publish('{"items":[{"channel":"a","http-stream":{"content":"x"}},{}]}')),
  answered('7.1 a negative length', request('POST /publish/ HTTP/1.1', ['Content-Length: -1'])),
  answered('7.1 a length that is empty', request('POST /publish/ HTTP/1.1', ['Content-Length:'])),
  answered('7.1 a body that is too large', request('POST /publish/ HTTP/1.1', ['Content-Length: 1000001'])),
  answered('7.1 a head that is too large', request('GET / HTTP/1.1', [`X-Long: ${'x'.repeat(10_000)}`])),
  answered('7.1 a request line of two words', 'GET /nothing\r\nConnection: close\r\n\r\n'),
  answered('7.1 a version nobody knows', request('GET /nothing HTTP/3.7')),
  answered('7.1 a line without a colon', request('GET /nothing HTTP/1.1', ['X-No-Colon'])),
  answered('7.1 a method nobody knows needs a length', request('PURGE /nothing HTTP/1.1')),
  answered('7.1 DELETE needs no length', request('DELETE /nothing HTTP/1.1')),
  answered('7.1 OPTIONS needs no length', request('OPTIONS /publish/ HTTP/1.1')),
  answered('7.1 a body of GET', request('GET /nothing HTTP/1.1', ['Content-Length: 4'], 'body')),
  answered('7.1 chunks of GET', request('GET / HTTP/1.1', ['Transfer-Encoding: chunked'], '0\r\n\r\n')),
  answered('7.1 a length in another case', publish('{"items":[]}').replace('Content-Length', 'CONTENT-length')),
  accepted('text/*'),
  accepted('application/*;q=0'),
  accepted('*'),
  accepted('TEXT/PLAIN'),
  accepted(''),
  answered('7.2 two Accept headers', publish('{"items":[]}', ['Accept: text/plain', 'Accept: application/json'])),
  answered('7.2 an error is always text', publish('{}', ['Accept: application/json'])),
  answered('7.2 a path nobody knows and a type nobody has', request('GET /nothing HTTP/1.1', ['Accept: image/png'])),
  answered('7.3 recover', request('POST /recover HTTP/1.1', ['Content-Length: 0'])),
  answered(
    '7.3 recover asked for JSON',
    request('POST /recover/ HTTP/1.1', ['Content-Length: 2', 'Accept: application/json'], '{}'),
  ),
  answered('7.3 recover without a length', request('POST /recover HTTP/1.1')),
  answered('7.3 POST on the root', request('POST / HTTP/1.1', ['Content-Length: 0', 'Accept: image/png'])),
  answered('7.3 two slashes at the end', publish('{"items":[]}').replace('/publish/', '/publish//')),
  answered('7.3 publish in another case', publish('{"items":[]}').replace('/publish/', '/Publish/')),
  answered('7.3 a whole URI', publish('{"items":[]}').replace('/publish/', 'http://control/publish/')),
  answered('7.3 an empty body', publish('')),
  answered('7.3 a body of blanks around', publish(' \r\n{ "items" : [ ] }\t')),
  answered('7.3 a body with something behind', publish('{"items":[]}x')),
  answered('7.3 a body that is null', publish('null')),
  answered('7.3 a body with a comment', publish('{"items":[] /* none */}')),
  answered('7.3 items that are null', publish('{"items":null}')),
  answered('7.3 items beside others', publish('{"more":1,"items":[]}')),
];

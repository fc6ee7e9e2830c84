import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ParsedLine, parseRoute } from '../../src/routes/parse-route.js';

function parse(line: string, readFile: (path: string) => string = () => 'PEM'): ParsedLine {
  return parseRoute(line, { file: 'etc/routes', line: 7 }, { readFile });
}

describe('parseRoute', () => {
  it.each(['', '   ', '#', '  # example.com localhost:80'])('takes "%s" for blank', (line) => {
    expect(parse(line)).toEqual({ kind: 'blank' });
  });

  it('joins the condition, the targets in order and the place of the line', () => {
    expect(parse('a.example,proto=ws,id=chat one:80 two:81,ssl test # three')).toMatchObject({
      kind: 'route',
      route: {
        id: 'chat',
        domain: 'a.example',
        protocol: 'ws',
        targets: [
          { name: 'one:80', options: { ssl: false } },
          { name: 'two:81', options: { ssl: true } },
          { name: 'test' },
        ],
        source: { file: 'etc/routes', line: 7 },
      },
    });
  });

  it('asks for the certificate files that a target names', () => {
    const asked: string[] = [];
    const parsed = parse('* h:443,ssl,client_cert=a.pem,client_key=b.pem', (path) => {
      asked.push(path);
      return `text of ${path}`;
    });
    expect(asked).toEqual(['a.pem', 'b.pem']);
    expect(parsed).toMatchObject({
      route: { targets: [{ options: { clientCert: 'text of a.pem', clientKey: 'text of b.pem' } }] },
    });
  });

  it.each([
    ['example.com', 'etc/routes:7: must specify condition and at least one target'],
    ['*\tlocalhost:80', 'etc/routes:7: must specify condition and at least one target'],
    ['* "x', 'etc/routes:7: unterminated quoted section'],
    ['*,ssl=maybe localhost:80', "etc/routes:7: ssl must be set to 'yes' or 'no'"],
    ['* localhost:80 localhost', 'etc/routes:7: target bad format'],
    ['*,proto=x localhost', "etc/routes:7: proto must be set to 'http' or 'ws'"],
  ])('names file and line when it refuses "%s"', (line, message) => {
    expect(parse(line)).toEqual({ kind: 'error', message });
  });

  it('says why a certificate file cannot be read', () => {
    const parsed = parse('* h:443,client_cert=x.pem', () => {
      throw new Error('too dark to read');
    });
    expect(parsed).toEqual({ kind: 'error', message: 'etc/routes:7: failed to open x.pem: too dark to read' });
  });

  it('never throws, and every route has an id and a target', () => {
    const word = fc.constantFrom(
      ...[
        '*',
        'a.example',
        ' ',
        ' ',
        ',',
        ',',
        '=',
        '"',
        '\\',
        '#',
        ':80',
        '[::1]:1',
        'test',
        'zhttp/x',
        'proto',
        'ws',
      ],
      ...[
        'ssl',
        'yes',
        'path_beg',
        '/a',
        'header',
        'A:b',
        'path_rem',
        '9',
        'sub',
        'replace_beg',
        'client_cert',
        '\ud800',
      ],
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: word }), fc.string({ unit: 'binary' })), (line) => {
        const parsed = parse(line);
        if (parsed.kind === 'route') {
          expect(parsed.route.id).not.toBe('');
          expect(parsed.route.targets.length).toBeGreaterThan(0);
        } else if (parsed.kind === 'error') {
          expect(parsed.message).toMatch(/^etc\/routes:7: ./s);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

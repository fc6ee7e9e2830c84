import { describe, expect, it } from 'vitest';
import type { Target, TargetOptions } from '../../src/routes/route.js';
import { parseTarget } from '../../src/routes/targets.js';
import { tokenizeLine } from '../../src/routes/tokenizer.js';

const FILES = new Map([
  ['cert.pem', 'CERTIFICATE'],
  ['key.pem', 'KEY'],
]);

function target(text: string): Target {
  const [section] = tokenizeLine(text);
  if (section === undefined) {
    throw new Error('the line has no target');
  }
  return parseTarget(section, (path) => {
    const content = FILES.get(path);
    if (content === undefined) {
      throw new Error('not here');
    }
    return content;
  });
}

describe('parseTarget', () => {
  it.each([
    ['test', { kind: 'test', name: 'test' }],
    ['localhost:80', { kind: 'origin', host: 'localhost', port: 80, name: 'localhost:80' }],
    ['10.0.0.1:1', { kind: 'origin', host: '10.0.0.1', port: 1, name: '10.0.0.1:1' }],
    ['h:65535', { kind: 'origin', host: 'h', port: 65535, name: 'h:65535' }],
    ['h:0080', { kind: 'origin', host: 'h', port: 80, name: 'h:80' }],
    ['test:80', { kind: 'origin', host: 'test', port: 80, name: 'test:80' }],
    ['[::1]:8000', { kind: 'origin', host: '::1', port: 8000, name: '[::1]:8000' }],
    ['[fe80::1%eth0]:8000', { kind: 'origin', host: 'fe80::1%eth0', port: 8000, name: '[fe80::1%eth0]:8000' }],
    ['zhttp/tcp://127.0.0.1:1', { kind: 'zhttp', spec: 'tcp://127.0.0.1:1', name: 'zhttp/tcp://127.0.0.1:1' }],
    ['zhttpreq/ipc:///tmp/a', { kind: 'zhttpreq', spec: 'ipc:///tmp/a', name: 'zhttpreq/ipc:///tmp/a' }],
    ['"zhttp/ipc:///tmp/a b"', { kind: 'zhttp', spec: 'ipc:///tmp/a b', name: 'zhttp/ipc:///tmp/a b' }],
  ])('reads the address %s', (text, expected) => {
    const { options, ...address } = target(text);
    expect(address).toEqual(expected);
    expect(options.ssl).toBe(false);
  });

  it('gives every default option', () => {
    expect(target('test').options).toEqual({
      ssl: false,
      untrusted: false,
      trustConnectHost: false,
      insecure: false,
      host: undefined,
      subscriptions: [],
      overHttp: false,
      oneEvent: false,
      ipcFileMode: undefined,
      clientCert: undefined,
      clientKey: undefined,
    });
  });

  it.each<[text: string, part: Partial<TargetOptions>]>([
    ['h:1,ssl', { ssl: true }],
    ['h:1,ssl=no', { ssl: true }],
    ['h:1,untrusted', { untrusted: true }],
    ['h:1,trusted', { untrusted: false }],
    ['h:1,trust_connect_host', { trustConnectHost: true }],
    ['h:1,insecure', { insecure: true }],
    ['h:1,host=other', { host: 'other' }],
    ['h:1,host=other:8080', { host: 'other:8080' }],
    ['h:1,host=[::1]', { host: '[::1]' }],
    ['h:1,host=[::1]:8080', { host: '[::1]:8080' }],
    ['h:1,host=Bücher.example:81', { host: 'xn--bcher-kva.example:81' }],
    ['h:1,host=', { host: undefined }],
    ['h:1,sub=b,sub=a,sub=b,sub=,sub', { subscriptions: ['b', 'a'] }],
    ['h:1,over_http,one_event', { overHttp: true, oneEvent: true }],
    ['h:1,ipc_file_mode=770', { ipcFileMode: 0o770 }],
    ['h:1,ipc_file_mode=0777', { ipcFileMode: 0o777 }],
    ['h:1,ipc_file_mode=7777', { ipcFileMode: 0o7777 }],
    ['h:1,ipc_file_mode=10000', { ipcFileMode: undefined }],
    ['h:1,ipc_file_mode=789', { ipcFileMode: undefined }],
    ['h:1,ipc_file_mode=-1', { ipcFileMode: undefined }],
    ['h:1,ipc_file_mode', { ipcFileMode: undefined }],
    ['h:1,client_cert=cert.pem,client_key=key.pem', { clientCert: 'CERTIFICATE', clientKey: 'KEY' }],
    ['h:1,weight=3,constructor', { ssl: false }],
  ])('reads the options of %s', (text, part) => {
    expect(target(text).options).toMatchObject(part);
  });

  it.each([
    ['localhost', 'target bad format'],
    ['""', 'target bad format'],
    ['ssl=yes', 'target bad format'],
    [':80', 'target bad format'],
    ['::1:80', 'target bad format'],
    ['http://h:80', 'target bad format'],
    ['[::1]', 'target bad format'],
    ['[::1]80', 'target bad format'],
    ['[::1', 'target bad format'],
    ['[]:80', 'target bad format'],
    ['[localhost]:80', 'target bad format'],
    ['zhttp', 'target bad format'],
    ['zhttp/', 'target bad format'],
    ['pigeon/coop', 'target bad format'],
    ['TEST', 'target bad format'],
    ['h:', 'target invalid port'],
    ['h:0', 'target invalid port'],
    ['h:65536', 'target invalid port'],
    ['h:-1', 'target invalid port'],
    ['h:80x', 'target invalid port'],
    ['h:1e3', 'target invalid port'],
    ['[::1]:0', 'target invalid port'],
    ['[::1]:x:y', 'target invalid port'],
    ['h:1,host=other:0', 'target invalid port'],
    ['h:1,host=other:', 'target invalid port'],
    ['h:1,host=::1', 'target bad format'],
    ['h:1,host=[x]', 'target bad format'],
    ['h:1,"host=a b"', 'target bad format'],
    ['h:1,host=user@a', 'target bad format'],
    ['h:1,host=a\rb', 'target bad format'],
    ['h:1,client_cert=gone.pem', 'failed to open gone.pem: not here'],
    ['h:1,client_cert=cert.pem,client_key=gone.pem', 'failed to open gone.pem: not here'],
  ])('refuses %s with "%s"', (text, message) => {
    expect(() => target(text)).toThrow(expect.objectContaining({ code: 'HOLDFAST_ROUTE_INVALID', message }));
  });
});

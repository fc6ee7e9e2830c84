import { describe, expect, it } from 'vitest';
import { type Condition, parseCondition } from '../../src/routes/conditions.js';
import { tokenizeLine } from '../../src/routes/tokenizer.js';

function condition(text: string): Condition {
  const [section] = tokenizeLine(text);
  if (section === undefined) {
    throw new Error('the line has no condition');
  }
  return parseCondition(section);
}

describe('parseCondition', () => {
  it('gives every default', () => {
    expect(condition('*')).toEqual({
      id: '*,*,*,*',
      explicitId: false,
      domain: '*',
      protocol: undefined,
      ssl: undefined,
      pathBeg: '',
      sigIss: undefined,
      sigKey: undefined,
      prefix: '',
      origHeaders: false,
      asHost: undefined,
      pathRemove: 0,
      replaceBeg: undefined,
      debug: false,
      autoCrossOrigin: false,
      jsonp: {
        mode: 'extended',
        callback: 'callback',
        body: undefined,
        defaultCallback: undefined,
        defaultMethod: 'GET',
      },
      session: false,
      sockjs: undefined,
      sockjsAsPath: undefined,
      headers: [],
      grip: true,
      logLevel: undefined,
    });
  });

  it.each<[text: string, part: Partial<Condition>]>([
    ['example.com', { domain: 'example.com' }],
    ['Example.COM', { domain: 'example.com', id: 'example.com,*,*,*' }],
    ['*.example.com', { domain: '*.example.com' }],
    ['::1', { domain: '::1' }],
    [',id=x', { domain: undefined, id: 'x', explicitId: true }],
    ['id=x', { domain: undefined, id: 'x', explicitId: true }],
    ['*,id=', { id: '*,*,*,*', explicitId: false }],
    ['*,proto=http', { protocol: 'http', id: '*,http,*,*' }],
    ['*,proto=ws', { protocol: 'ws', id: '*,ws,*,*' }],
    ['*,proto=bad,proto=ws', { protocol: 'ws' }],
    ['*,ssl=yes', { ssl: true, id: '*,*,no-ssl,*' }],
    ['*,ssl=no', { ssl: false, id: '*,*,ssl,*' }],
    ['h,path_beg=/a', { pathBeg: '/a', id: 'h,*,*,/a' }],
    ['h,proto=ws,ssl=no,path_beg=/a', { id: 'h,ws,ssl,/a' }],
    ['path_beg=/a', { domain: undefined, id: '*,*,*,/a' }],
    ['*,sig_iss=me', { sigIss: 'me', sigKey: undefined }],
    ['*,sig_key=base64:YQ==', { sigIss: undefined, sigKey: 'base64:YQ==' }],
    ['*,sig_iss=,sig_key=', { sigIss: undefined, sigKey: undefined }],
    ['*,prefix="a, b"', { prefix: 'a, b' }],
    ['*,prefix=a,prefix=b', { prefix: 'b' }],
    ['*,orig_headers', { origHeaders: true }],
    ['*,as_host=Other:8080', { asHost: 'other:8080' }],
    ['*,as_host=[::1]:8080', { asHost: '[::1]:8080' }],
    ['*,as_host=Bücher.example', { asHost: 'xn--bcher-kva.example' }],
    ['*,as_host=日本.example:80', { asHost: 'xn--wgv71a.example:80' }],
    ['*,as_host=', { asHost: undefined }],
    ['*,path_rem=3', { pathRemove: 3 }],
    ['*,path_rem=three', { pathRemove: 0 }],
    ['*,path_rem=-3', { pathRemove: 0 }],
    ['*,path_rem', { pathRemove: 0 }],
    ['*,replace_beg=/b', { replaceBeg: '/b' }],
    ['*,replace_beg=', { replaceBeg: '' }],
    ['*,replace_beg', { replaceBeg: '' }],
    ['*,replace_beg="/a b?c#é%20\u{1F600}"', { replaceBeg: '/a%20b%3Fc%23%C3%A9%20%F0%9F%98%80' }],
    ['*,"replace_beg=/-._~!$&\'()*+,;=:@"', { replaceBeg: "/-._~!$&'()*+,;=:@" }],
    ['*,debug', { debug: true }],
    ['*,debug=false', { debug: true }],
    ['*,aco=no', { autoCrossOrigin: true }],
    ['*,session', { session: true }],
    ['*,sockjs=/s,sockjs_as_path=/chat', { sockjs: '/s', sockjsAsPath: '/chat' }],
    ['*,sockjs=,sockjs_as_path', { sockjs: undefined, sockjsAsPath: undefined }],
    ['*,no_grip', { grip: false }],
    ['*,log_level=1', { logLevel: 1 }],
    ['*,log_level=0', { logLevel: 0 }],
    ['*,log_level=debug', { logLevel: undefined }],
    ['*,header=A:1', { headers: [['A', '1']] }],
    ['*,header=A:', { headers: [['A', '']] }],
    ['*,header=A:é€', { headers: [['A', '\xc3\xa9\xe2\x82\xac']] }],
    ['*,header=A:\t1', { headers: [['A', '\t1']] }],
    ['*,header="A:   b:c "', { headers: [['A', 'b:c ']] }],
    [
      '*,header=A:1,header=B:2,header=A:3',
      {
        headers: [
          ['A', '3'],
          ['B', '2'],
          ['A', '1'],
        ],
      },
    ],
    ['*,auto_cross_origin,cors,asis,constructor=1', { autoCrossOrigin: false, id: '*,*,*,*' }],
  ])('reads %s', (text, part) => {
    expect(condition(text)).toMatchObject(part);
  });

  it.each([
    ['*,jsonp_mode=basic', { mode: 'basic', defaultMethod: 'POST' }],
    ['*,jsonp_mode=extended', { mode: 'extended', defaultMethod: 'GET' }],
    ['*,jsonp_mode=basic,jsonp_defmethod=PUT', { mode: 'basic', defaultMethod: 'PUT' }],
    ['*,jsonp_cb=fn,jsonp_body=b,jsonp_defcb=d', { callback: 'fn', body: 'b', defaultCallback: 'd' }],
    ['*,jsonp_cb=', { callback: 'callback' }],
  ])('reads the JSON-P options of %s', (text, part) => {
    expect(condition(text).jsonp).toMatchObject(part);
  });

  it.each([
    ['*,proto=https', "proto must be set to 'http' or 'ws'"],
    ['*,proto', "proto must be set to 'http' or 'ws'"],
    ['*,proto=WS', "proto must be set to 'http' or 'ws'"],
    ['*,ssl', "ssl must be set to 'yes' or 'no'"],
    ['*,ssl=true', "ssl must be set to 'yes' or 'no'"],
    ['*,path_beg=', 'path_beg cannot be empty'],
    ['*,path_beg=/a,path_beg', 'path_beg cannot be empty'],
    ['*,jsonp_mode=full', "jsonp_mode must be set to 'basic' or 'extended'"],
    ['*,jsonp_mode=', "jsonp_mode must be set to 'basic' or 'extended'"],
    ['*,header', "header must use format 'name:value'"],
    ['*,header=name', "header must use format 'name:value'"],
    ['*,header=:value', "header must use format 'name:value'"],
    ['*,"header=two words:value"', "header must use format 'name:value'"],
    ['*,header=é:value', "header must use format 'name:value'"],
    ['*,header=A:1\r2', "header must use format 'name:value'"],
    ['*,header=A:1\u00002', "header must use format 'name:value'"],
    ['*,as_host="a b"', "as_host must use format 'host' or 'host:port'"],
    ['*,as_host=user@a', "as_host must use format 'host' or 'host:port'"],
    ['*,as_host=a/b', "as_host must use format 'host' or 'host:port'"],
    ['*,as_host=é/b', "as_host must use format 'host' or 'host:port'"],
    ['*,as_host=a\rb', "as_host must use format 'host' or 'host:port'"],
    ['*,header=A:1,header=B', "header must use format 'name:value'"],
  ])('refuses %s with the text of the specification', (text, message) => {
    expect(() => condition(text)).toThrow(expect.objectContaining({ code: 'HOLDFAST_ROUTE_INVALID', message }));
  });
});

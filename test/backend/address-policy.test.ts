import { createServer, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import fc from 'fast-check';
import { Pool, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  AddressBlockedError,
  isAddressBlocked,
  isPrivateAddress,
  makePolicyConnector,
  makePolicyLookup,
} from '../../src/backend/address-policy.js';

describe('a private address', () => {
  it.each([
    ...['127.0.0.0', '127.0.0.1', '127.255.255.255', '10.0.0.0', '10.255.255.255', '172.16.0.0', '172.31.255.255'],
    ...['192.168.0.0', '192.168.255.255', '169.254.0.0', '169.254.169.254', '169.254.255.255'],
  ])('is %s, also within IPv6', (address) => {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    const tail = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    expect(
      [address, `::ffff:${address}`, `::FFFF:${tail}`, `0:0:0:0:0:ffff:${tail}`, `64:ff9b::${tail}`].map(
        isPrivateAddress,
      ),
    ).toEqual([true, true, true, true, true]);
  });

  it.each([
    ...['::1', '0:0:0:0:0:0:0:1', 'fc00::', 'fc00::1', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'FD12:3456::1'],
    ...['fe80::', 'fe80::1', 'febf:ffff::1', 'fe80::1%eth0', '::1%lo'],
  ])('is %s', (address) => {
    expect(isPrivateAddress(address)).toBe(true);
  });

  it.each(['0.0.0.0', '0.1.2.3', '::', '0:0:0:0:0:0:0:0', '::ffff:0.0.0.0'])(
    'is %s, by which a host reaches itself',
    (address) => {
      expect(isPrivateAddress(address)).toBe(true);
    },
  );

  it.each(['', 'localhost', 'example.com', '127.1', '10.0.0', '0x7f000001', '[::1]', '1.2.3.4.5', '%eth0', ' 8.8.8.8'])(
    'is everything that is no address: %j',
    (address) => {
      expect(isPrivateAddress(address)).toBe(true);
    },
  );

  it.each([
    ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0'],
    ...['172.15.255.255', '172.32.0.0', '192.167.255.255', '192.169.0.0', '8.8.8.8', '255.255.255.255'],
    ...['::2', '2001:db8::1', 'fbff::1', 'fe00::1', 'fe7f::1', 'fec0::1', 'ff02::1', '2606:4700::1111%eth0'],
    ...['::ffff:8.8.8.8', '::ffff:808:808', '64:ff9b::8.8.8.8'],
  ])('is not %s', (address) => {
    expect(isPrivateAddress(address)).toBe(false);
  });

  it('is any of IPv4 whose first bits say so, and no other', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0, 10, 11, 127, 128, 169, 172, 192, 255),
        fc.oneof(fc.constantFrom(15, 16, 31, 32, 168, 254), fc.nat(255)),
        fc.nat(255),
        fc.nat(255),
        (a, b, c, d) => {
          const expected =
            a === 0 ||
            a === 10 ||
            a === 127 ||
            (a === 169 && b === 254) ||
            (a === 172 && b >= 16 && b < 32) ||
            (a === 192 && b === 168);
          expect(isPrivateAddress(`${a}.${b}.${c}.${d}`)).toBe(expected);
          expect(isPrivateAddress(`::ffff:${a}.${b}.${c}.${d}`)).toBe(expected);
        },
      ),
    );
  });
});

/** A name server of our own: one answer for each question, in turn. */
class Answers {
  readonly asked: string[] = [];

  constructor(private readonly answers: (readonly string[] | NodeJS.ErrnoException)[]) {}

  readonly lookup: LookupFunction = (host, options, callback) => {
    const answer = this.answers[this.asked.length] ?? [];
    this.asked.push(host);
    process.nextTick(() => {
      if (answer instanceof Error) callback(answer, '');
      else if (options.all === true) callback(null, answer.map(addressOf));
      else callback(null, answer[0] ?? '', addressOf(answer[0] ?? '').family);
    });
  };
}

function addressOf(address: string): { address: string; family: number } {
  return { address, family: address.includes(':') ? 6 : 4 };
}

function noSuchName(): NodeJS.ErrnoException {
  return Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
}

/** What the policy's look-up answers: an error, or addresses. */
function lookUp(lookup: LookupFunction, host: string, all: boolean): Promise<unknown> {
  return new Promise((resolve) => {
    makePolicyLookup(lookup)(host, { all }, (error, found) => resolve(error ?? found));
  });
}

describe('a look-up under the policy', () => {
  it('gives public addresses as they are', async () => {
    const answers = new Answers([['192.0.2.1'], ['192.0.2.1', '2001:db8::1']]);
    expect(await lookUp(answers.lookup, 'one.example', false)).toBe('192.0.2.1');
    expect(await lookUp(answers.lookup, 'two.example', true)).toEqual([
      { address: '192.0.2.1', family: 4 },
      { address: '2001:db8::1', family: 6 },
    ]);
    expect(answers.asked).toEqual(['one.example', 'two.example']);
  });

  it.each([
    ['the only address', ['10.1.2.3'], '10.1.2.3'],
    ['one of several addresses', ['192.0.2.1', '::1', '2001:db8::1'], '::1'],
    ['an IPv4 address within IPv6', ['::ffff:192.168.0.1'], '::ffff:192.168.0.1'],
  ])('fails when %s is private', async (_what, addresses, blocked) => {
    const error = await lookUp(new Answers([addresses]).lookup, 'inside.example', true);
    expect(error).toBeInstanceOf(AddressBlockedError);
    expect(error).toMatchObject({ message: `inside.example has the private address ${blocked}` });
  });

  it('fails for a single private address too', async () => {
    const error = await lookUp(new Answers([['169.254.169.254']]).lookup, 'metadata.example', false);
    expect(isAddressBlocked(error)).toBe(true);
  });

  it('hands on that a name does not exist', async () => {
    const error = await lookUp(new Answers([noSuchName()]).lookup, 'nowhere.example', true);
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
    expect(isAddressBlocked(error)).toBe(false);
  });

  it('asks the system when nobody else is named', async () => {
    const error = await new Promise((resolve) => makePolicyLookup()('localhost', { all: true }, resolve));
    expect(isAddressBlocked(error)).toBe(true);
  });
});

describe('a connection under the policy', () => {
  let server: Server;
  let port = 0;
  let connections = 0;
  let pool: Pool | undefined;

  beforeAll(async () => {
    server = createServer((_request, response) => response.end('inside'));
    server.on('connection', () => {
      connections += 1;
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    port = (server.address() as AddressInfo).port;
  });

  afterEach(async () => {
    await pool?.destroy();
    pool = undefined;
  });

  afterAll(() => {
    server.closeAllConnections();
    return new Promise((resolve) => {
      server.close(resolve);
    });
  });

  /** How a GET over a pool with the policy's connector ends. */
  async function get(origin: string, options?: Parameters<typeof makePolicyConnector>[0]): Promise<unknown> {
    pool = new Pool(origin, { connect: makePolicyConnector(options) });
    try {
      const { body } = await pool.request({ path: '/', method: 'GET' });
      return await body.text();
    } catch (error) {
      return error;
    }
  }

  it.each(['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '0'])(
    'is refused to http://%s, which is reached without it',
    async (host) => {
      const origin = `http://${host}:${port}`;
      const { body } = await request(origin, { reset: true });
      expect(await body.text()).toBe('inside');
      const before = connections;
      const error = await get(origin);
      expect(error).toBeInstanceOf(AddressBlockedError);
      expect(isAddressBlocked(error)).toBe(true);
      expect(connections).toBe(before);
    },
  );

  it.each([
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://[fe80::1]',
    'http://10.0.0.1',
    'https://127.0.0.1',
    'https://localhost',
    'https://[::ffff:a00:1]',
  ])('is refused to %s', async (origin) => {
    expect(isAddressBlocked(await get(`${origin}:${port}`))).toBe(true);
  });

  it('is refused when a name of the outside leads inside, and the name is looked up once', async () => {
    const answers = new Answers([['127.0.0.1'], ['192.0.2.1'], ['192.0.2.1']]);
    const before = connections;
    const error = await get(`http://rebound.example:${port}`, { lookup: answers.lookup });
    expect(error).toMatchObject({ message: 'rebound.example has the private address 127.0.0.1' });
    expect([answers.asked, connections]).toEqual([['rebound.example'], before]);
  });

  it('fails as it always does when the name does not exist', async () => {
    const error = await get('http://nowhere.example', { lookup: new Answers([noSuchName()]).lookup });
    expect(error).toMatchObject({ code: 'ENOTFOUND' });
    expect(isAddressBlocked(error)).toBe(false);
  });

  it('is refused to a Unix socket, whatever the options say', async () => {
    const options = { socketPath: '/nowhere/at/all', lookup: new Answers([['::1']]).lookup };
    expect(isAddressBlocked(await get('http://name.example', options))).toBe(true);
  });
});

describe('isAddressBlocked', () => {
  const blocked = new AddressBlockedError('10.0.0.1', '10.0.0.1');

  it.each<[string, unknown, boolean]>([
    ['the refusal itself', blocked, true],
    ['an error caused by one', new Error('fetch failed', { cause: new Error('x', { cause: blocked }) }), true],
    ['several errors with one among them', new AggregateError([new Error('x'), blocked]), true],
    ['another error', new Error('10.0.0.1 is a private address'), false],
    ['several others', new AggregateError([new Error('x')]), false],
    ['nothing', undefined, false],
    ['text', 'ADDRESS_BLOCKED', false],
  ])('knows %s', (_what, error, expected) => {
    expect(isAddressBlocked(error)).toBe(expected);
  });
});

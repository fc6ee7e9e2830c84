/**
 * Sessions with ZHTTP handlers that say anything in any order: what the client's side is told makes sense, what the handler
 * is sent is numbered, within its credits and not behind the end, and nothing is left.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OriginRequest } from '../../src/backend/verdict.js';
import type { PacketLink } from '../../src/backend/zhttp/packet-link.js';
import { ZhttpSessions } from '../../src/backend/zhttp/sessions.js';
import { ZhttpOrigin } from '../../src/backend/zhttp/zhttp-origin.js';
import type { WebSocketClient } from '../../src/hold/websocket-origin.js';
import { decodeZhttpResponse, type ZhttpResponsePacket } from '../../src/protocol/zhttp.js';
import { COMMAND_LINE, parseRoutesLines } from '../../src/routes/load-routes.js';
import type { Target } from '../../src/routes/route.js';
import { FuzzShare } from '../support/fuzz-budget.js';
import { RecordingReceiver } from '../support/recording-receiver.js';
import { nextTurn, sampleHub } from '../support/sample-hub.js';
import { packetOf } from '../support/zhttp-worker.js';

const share = new FuzzShare('zhttp-sessions', 2);

const SPEC = 'ipc:///fuzz';
const [route] = parseRoutesLines([`* zhttp/${SPEC}`], COMMAND_LINE).table.routes();
const target = route?.targets[0] as Target & { readonly kind: 'zhttp' };

/** What the sessions send, without sockets: every packet is looked at as it comes. */
class LookedAt implements PacketLink {
  id = '';
  private nextSeq = 1;
  ended = false;
  cancelled = false;
  /** Of what was sent behind the first packet. */
  bytes = 0;
  credits = 0;
  /** The body of a request: the bytes of it that were sent, and whether its end was. */
  bodySize = 0;
  bodyEnded = false;

  begin(_spec: string, id: string, frame: Buffer): void {
    this.id = id;
    this.part(decodeZhttpResponse(frame));
  }

  follow(_spec: string, peer: string, id: string, seq: number, frame: Buffer): void {
    expect([peer, id, seq, this.ended]).toEqual(['handler', this.id, this.nextSeq, false]);
    this.nextSeq += 1;
    const packet = decodeZhttpResponse(frame);
    if (packet.type !== 'close') this.bytes += packet.body?.length ?? 0;
    this.credits += packet.credits ?? 0;
    if (packet.type === 'data') this.part(packet);
  }

  followAll(spec: string, peer: string, sessions: readonly { id: string; seq: number | undefined }[]): void {
    for (const { id, seq = -1 } of sessions) this.follow(spec, peer, id, seq, packetOf({}));
  }

  end(_spec: string, id: string, cancel: boolean): void {
    expect([id, this.ended]).toEqual([this.id, false]);
    this.ended = true;
    this.cancelled = cancel;
  }

  private part({ body, more }: ZhttpResponsePacket): void {
    this.bodySize += body?.length ?? 0;
    if (!more) this.bodyEnded = true;
  }
}

const size = fc.oneof({ weight: 5, arbitrary: fc.nat(300) }, { weight: 1, arbitrary: fc.nat(250_000) });
/** Mostly undefined. */
function rarely<Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> {
  return fc.oneof({ weight: 10, arbitrary: fc.constant(undefined) }, arbitrary);
}

const packet = fc.record(
  {
    type: fc.oneof(
      { weight: 30, arbitrary: fc.constant('data' as const) },
      { weight: 20, arbitrary: fc.constantFrom('credit', 'keep-alive', 'ping', 'pong') },
      fc.constantFrom('cancel', 'error', 'handoff-start', 'close'),
    ),
    code: rarely(fc.constantFrom(200, 204, 304, 101, 7, 4000)),
    length: rarely(fc.constantFrom('0', '5', '300', 'x')),
    size,
    credits: fc.oneof({ weight: 30, arbitrary: fc.nat(500) }, fc.constant(Number.MAX_SAFE_INTEGER)),
    more: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
    skipped: fc.oneof({ weight: 40, arbitrary: fc.constant(0) }, fc.constant(1)),
    nameless: fc.oneof({ weight: 10, arbitrary: fc.constant(false) }, fc.constant(true)),
    contentType: fc.constantFrom('text', 'binary'),
    multi: fc.boolean(),
  },
  { requiredKeys: ['type', 'more', 'skipped', 'nameless'] },
);
type Said = typeof packet extends fc.Arbitrary<infer Value> ? Value : never;

const step = fc.oneof(
  { weight: 30, arbitrary: packet.map((said) => ({ kind: 'packet' as const, said })) },
  {
    weight: 30,
    arbitrary: fc.constantFrom(
      { kind: 'turn' as const },
      { kind: 'hungry' as const },
      { kind: 'full' as const },
      { kind: 'client' as const },
    ),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'leave' as const }) },
  fc.constantFrom({ kind: 'time' as const }, { kind: 'lost' as const }, { kind: 'cancel' as const }),
);

/** Numbers a handler's packets, as far as it is to keep to that. */
class Handler {
  private seq = 0;
  /** Credits it has given, and bytes it has sent. */
  granted = 0;
  sent = 0;

  constructor(
    private readonly id: string,
    private readonly first: number,
  ) {}

  say({
    type,
    code,
    length,
    size: bytes = 0,
    credits,
    more,
    skipped,
    nameless,
    contentType,
    multi,
  }: Said): ZhttpResponsePacket {
    const seq = this.seq + skipped;
    this.seq += 1;
    this.granted += credits ?? 0;
    this.sent += bytes;
    const isFirst = seq === 0;
    const fields = {
      id: this.id,
      seq,
      ...(type === 'data' ? {} : { type }),
      ...(code === undefined && !isFirst ? {} : { code: code ?? this.first }),
      headers: length === undefined ? [] : [['Content-Length', length]],
      ...(bytes === 0 ? {} : { body: Buffer.alloc(bytes, 'x') }),
      ...(credits === undefined ? {} : { credits }),
      ...(more ? { more } : {}),
      ...(nameless && !isFirst ? {} : { from: 'handler' }),
      ...(contentType === undefined ? {} : { 'content-type': contentType }),
      ...(multi === true ? { ext: new Map([['multi', true]]) } : {}),
    };
    return decodeZhttpResponse(packetOf(fields));
  }
}

function start() {
  const { wheel, clock, warnings, counters } = sampleHub();
  const link = new LookedAt();
  const sessions = new ZhttpSessions({ wheel, warnings, counters, instanceId: 'proxy', link: () => link });
  return { wheel, clock, link, sessions };
}

async function* partsOf(sizes: readonly number[]): AsyncIterable<Buffer> {
  for (const bytes of sizes) {
    yield Buffer.alloc(bytes, 'y');
    // What comes later needs credits.
    await nextTurn();
    await nextTurn();
  }
}

describe('a session with a ZHTTP handler', () => {
  it(
    'that answers a request with anything at all is told of in turn, and ends',
    async () => {
      const property = fc.asyncProperty(
        fc.array(step, { maxLength: 30 }),
        fc.array(size, { maxLength: 4 }),
        fc.constantFrom('GET', 'HEAD', 'POST'),
        async (steps, sizes, method) => {
          const { clock, link, sessions } = start();
          const receiver = new RecordingReceiver();
          const body = { parts: partsOf(sizes), length: undefined };
          const request: OriginRequest = { method, scheme: 'http', authority: 'a', path: '/', headers: [], body };
          const call = sessions.send(request, target, receiver);
          let cancelled = false;
          while (link.id === '') await nextTurn();
          const handler = new Handler(link.id, 200);
          for (const one of steps) {
            switch (one.kind) {
              case 'packet':
                sessions.packet(handler.say(one.said));
                break;
              case 'turn':
                await nextTurn();
                break;
              case 'hungry':
                receiver.hungry = true;
                call.resume();
                break;
              case 'full':
                receiver.hungry = false;
                break;
              case 'time':
                clock.advance(20_000);
                break;
              case 'lost':
                sessions.lost(link.id, 'gone');
                break;
              case 'cancel':
                call.cancel();
                cancelled = true;
                break;
              case 'leave':
                receiver.leave = () => {
                  call.cancel();
                  cancelled = true;
                };
                break;
              case 'client':
            }
            expect(link.bytes).toBeLessThanOrEqual(handler.granted);
            expect(link.credits).toBeLessThanOrEqual(handler.sent);
          }
          // Who still listens, and has credits for all of it, gets all of the request.
          const all = sizes.reduce((sum, bytes) => sum + bytes, 0);
          sessions.packet(handler.say({ type: 'credit', credits: all, more: false, skipped: 0, nameless: false }));
          for (let turn = 0; turn < 3 * (sizes.length + 1); turn += 1) await nextTurn();
          if (!link.ended) expect([link.bodySize, link.bodyEnded]).toEqual([all, true]);
          if (receiver.ended && !link.cancelled) expect(link.bodyEnded).toBe(true);
          const length = receiver.first?.headers.find(([name]) => name === 'Content-Length')?.[1];
          if (length !== undefined && method !== 'HEAD') {
            expect(receiver.size).toBeLessThanOrEqual(Number(length));
            if (receiver.ended) expect(receiver.size).toBe(Number(length));
          }
          clock.advance(61_000);
          await nextTurn();
          expect([sessions.size, link.ended]).toEqual([0, true]);
          expect(receiver.ended || receiver.failure !== undefined || cancelled).toBe(true);
          expect(receiver.late).toBe(0);
        },
      );
      await share.checkAsync(property);
    },
    share.timeout,
  );

  it(
    'that speaks WebSocket with anything at all is told of in turn, and ends',
    async () => {
      const property = fc.asyncProperty(fc.array(step, { maxLength: 30 }), fc.array(size), async (steps, sizes) => {
        const { wheel, clock, link, sessions } = start();
        let origin: ZhttpOrigin | undefined;
        let results = 0;
        let ended = false;
        const client: WebSocketClient = {
          fromOrigin: () => expect(ended).toBe(false),
          close: () => expect(ended).toBe(false),
          drop: () => {
            expect(ended).toBe(false);
            ended = true;
          },
          pause: () => {},
          resume: () => {},
        };
        const limits = { maxMessageBytes: 200_000, maxRejectBytes: 100 };
        const call = sessions.open(target, { authority: 'a', path: '/', headers: [] }, limits, (result) => {
          results += 1;
          if (result.kind !== 'opened') return;
          const windows = { originWindow: 1_000, clientWindow: 1_000, maxMessageBytes: limits.maxMessageBytes };
          origin = new ZhttpOrigin(result.session, { wheel, ...windows, broken: () => {} });
        });
        const handler = new Handler(link.id, 101);
        let attached = false;
        for (const one of steps) {
          switch (one.kind) {
            case 'packet':
              sessions.packet(handler.say(one.said));
              // Parts of the body come in turns of their own.
              await nextTurn();
              break;
            case 'turn':
              await nextTurn();
              break;
            case 'time':
              clock.advance(20_000);
              break;
            case 'lost':
              sessions.lost(link.id, 'gone');
              break;
            case 'cancel':
              if (origin === undefined) call.cancel();
              else if (attached) origin.closed(4000, 'why');
              break;
            default:
              if (origin !== undefined && !attached) {
                attached = true;
                origin.attached(client);
              } else {
                origin?.message('text', Buffer.alloc(sizes[0] ?? 1, 'y'));
                origin?.ping(Buffer.from('pinging'));
              }
          }
          expect(link.bytes).toBeLessThanOrEqual(handler.granted);
          expect(link.credits).toBeLessThanOrEqual(handler.sent);
        }
        clock.advance(61_000);
        await nextTurn();
        expect([sessions.size, link.ended]).toEqual([0, true]);
        expect(results).toBeLessThanOrEqual(1);
      });
      await share.checkAsync(property);
    },
    share.timeout,
  );
});

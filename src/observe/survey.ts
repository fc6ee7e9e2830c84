/** The open client connections of a process at one moment, looked at one by one: only where metrics are on. */
import type { Transport } from './counters.js';

/**
 * What a connection is busy with: nothing, or a head that is not whole (`idle`); a request that is being answered
 * (`asking`); an HTTP hold (`held`); a WebSocket, its handshake included (`websocket`); its own end (`closing`).
 */
export const CLIENT_STATES = ['idle', 'asking', 'held', 'websocket', 'closing'] as const;
export type ClientState = (typeof CLIENT_STATES)[number];

export const TRANSPORTS: readonly Transport[] = ['http', 'https', 'unix'];

type States = Record<ClientState, number>;

/** Plain numbers, so that they can be sent to another process. */
export interface Survey {
  readonly clients: Readonly<Record<Transport, States>>;
  /** Bytes that wait for clients. */
  outboxBytes: number;
}

export function emptySurvey(): Survey {
  return { clients: { http: noClients(), https: noClients(), unix: noClients() }, outboxBytes: 0 };
}

export function countClient(survey: Survey, transport: Transport, state: ClientState, queuedBytes: number): void {
  survey.clients[transport][state] += 1;
  survey.outboxBytes += queuedBytes;
}

function noClients(): States {
  return { idle: 0, asking: 0, held: 0, websocket: 0, closing: 0 };
}

/** What the WebSockets of a route are held to, beyond the limits in bytes that hold for everybody. */
export interface ConnectionTerms {
  /** Messages that may wait for one client; 0: only bytes count. */
  readonly outboxMessages: number;
  /** Code that a client is closed with for that; undefined sends none. */
  readonly slowCloseCode: number | undefined;
  /** Milliseconds that a client may take to answer a close frame, and then to end the connection. */
  readonly closeTimeout: number;
  /** Undefined: none of ours. */
  readonly pings: Pings | undefined;
}

/** Pings that tell whether a client is still there. */
export interface Pings {
  /** Milliseconds between two of them. */
  readonly interval: number;
  /** Milliseconds from the beginning, and from each pong, to the next pong; the connection is broken off then. */
  readonly timeout: number;
}

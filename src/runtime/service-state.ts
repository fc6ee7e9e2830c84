/**
 * Whether clients are served, and what keeps them from being it.
 *
 *     starting ──opened()──► open ──close()──► closing          starting ──close()──► closing
 */

export class ServiceState {
  private state: 'starting' | 'open' | 'closing' = 'starting';
  private routes = false;

  /** @param more - what else may be wrong while it is open */
  constructor(private readonly more: () => readonly string[] = () => []) {}

  /** There is a table of routes in force. */
  routesLoaded(): void {
    this.routes = true;
  }

  /** Clients and publishers can connect. */
  opened(): void {
    if (this.state === 'starting') this.state = 'open';
  }

  closes(): void {
    this.state = 'closing';
  }

  /** One line each; none while clients are served. */
  troubles(): readonly string[] {
    switch (this.state) {
      case 'closing':
        return ['closing'];
      case 'open':
        return this.more();
      case 'starting':
        return [...(this.routes ? [] : ['the routes are not loaded']), 'not all listeners are up', ...this.more()];
    }
  }
}

/** The door of a client that speaks SockJS on a WebSocket of its own (specification 13). */
import { FramedHold } from '../../hold/sockjs-framed-hold.js';
import type { WebSocketHoldOptions } from '../../hold/websocket-hold.js';
import { type Acceptance, flowOf, UpgradeDoor } from '../websocket-door.js';

export class FramedDoor extends UpgradeDoor {
  accept(acceptance: Acceptance, options: WebSocketHoldOptions) {
    const { reason, headers, origin, pace, maxMessageBytes = this.maxMessageBytes } = acceptance;
    const { upgrade } = this;
    // Extensions are between origin and client, and what they would see of each other here is not the same.
    const socket = upgrade.accept(reason, headers);
    pace?.(flowOf(socket));
    const hold = new FramedHold(this.parts, socket, origin, options, maxMessageBytes);
    return { hold, begin: () => hold.first(upgrade.first) };
  }
}

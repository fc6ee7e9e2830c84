/** An uplink that keeps what it is told: `open a`, `close a`, `counted a`, `forget a`. */
import type { Uplink } from '../../src/hub/uplink.js';

export class RecordingUplink implements Uplink {
  readonly calls: string[] = [];

  open(channel: string): void {
    this.calls.push(`open ${channel}`);
  }

  close(channel: string): void {
    this.calls.push(`close ${channel}`);
  }

  counted(channel: string): void {
    this.calls.push(`counted ${channel}`);
  }

  forgetLastId(channel: string): void {
    this.calls.push(`forget ${channel}`);
  }
}

/**
 * Takes a body that comes while its client cannot be written to yet, and hands it on when it can: what one read brought,
 * because nothing more is asked for before.
 *
 *     closed ──open()──► open          (the body may end, or break off, in either)
 */
import type { BodySink, BodySource } from '../backend/verdict.js';

export class LateSink implements BodySink {
  private sink: BodySink | undefined = undefined;
  private kept: Buffer[] = [];
  private ending: 'end' | 'fail' | undefined = undefined;

  constructor(private readonly source: BodySource) {}

  /** From now on everything goes to `sink`, what was kept first. */
  open(sink: BodySink): void {
    this.sink = sink;
    const { kept, ending } = this;
    this.kept = [];
    let room = true;
    for (const chunk of kept) room = sink.write(chunk);
    if (ending !== undefined) sink[ending]();
    else if (room && kept.length > 0) this.source.resume();
  }

  write(chunk: Buffer): boolean {
    if (this.sink !== undefined) return this.sink.write(chunk);
    this.kept.push(chunk);
    return false;
  }

  end(): void {
    if (this.sink === undefined) this.ending = 'end';
    else this.sink.end();
  }

  fail(): void {
    if (this.sink === undefined) this.ending = 'fail';
    else this.sink.fail();
  }
}

/** An origin that holds clients, and is asked by their HTTP filters: each question waits until the test answers it. */
import type { ServerResponse } from 'node:http';
import { Watch } from '../support/deadline.js';
import type { OriginRequest, Script } from '../support/origin.js';

export class FilterQuestion {
  /** True once the proxy has gone before it was answered. */
  abandoned = false;

  constructor(
    readonly request: OriginRequest,
    readonly body: string,
    readonly response: ServerResponse,
  ) {}

  answer(code: number, body: string | Buffer = '', headers: Readonly<Record<string, string>> = {}): void {
    this.response.writeHead(code, headers);
    this.response.end(body);
  }

  /** The value of a header; the empty text when it is not there. */
  header(name: string): string {
    return String(this.request.headers[name.toLowerCase()] ?? '');
  }
}

export class FilterEndpoint {
  readonly questions: FilterQuestion[] = [];
  private readonly watch = new Watch();

  /** Holds with these headers whoever does not POST. */
  holding(headers: Readonly<Record<string, string>>, body = 'open\n'): Script {
    return async (request, response) => {
      if (request.method === 'POST') await this.take(request, response);
      else {
        response.writeHead(200, { 'Content-Type': 'text/plain', ...headers });
        response.end(body);
      }
    };
  }

  /** The `index`-th question, counted from 0, once it has come. */
  async question(index: number): Promise<FilterQuestion> {
    await this.watch.until(`question ${index}`, () => this.questions.length > index);
    const question = this.questions[index];
    if (question === undefined) throw new Error('unreachable');
    return question;
  }

  /** Resolves when the proxy has called the question off. */
  abandoned(question: FilterQuestion): Promise<void> {
    return this.watch.until('the end of a question', () => question.abandoned);
  }

  private async take(request: OriginRequest, response: ServerResponse): Promise<void> {
    const question = new FilterQuestion(request, (await request.body()).toString(), response);
    response.on('close', () => {
      question.abandoned = !response.writableFinished;
      this.watch.changed();
    });
    this.questions.push(question);
    this.watch.changed();
  }
}

/** Headers of a hold on `news` whose filter asks `/check`. */
export function filteredHold(
  mode: 'stream' | 'response',
  filters: string | readonly string[],
  meta = 'url="/check"',
): Record<string, string> {
  const names = typeof filters === 'string' ? [filters] : filters;
  const channel = ['news', ...names.map((name) => `filter=${name}`)].join('; ');
  return { 'Grip-Hold': mode, 'Grip-Channel': channel, 'Grip-Set-Meta': meta };
}

export function streamItem(content: string, more: object = {}): object {
  return { channel: 'news', formats: { 'http-stream': { content } }, ...more };
}

export function answerItem(body: string, more: object = {}): object {
  return { channel: 'news', formats: { 'http-response': { body } }, ...more };
}

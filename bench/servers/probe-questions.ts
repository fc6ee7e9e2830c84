/** The driver's side of the probe in the server under test. */
import type { ProbeAnswer, ProbeQuestion } from './probe.js';
import type { RunningProcess } from './processes.js';

/** Milliseconds. */
const PATIENCE = 20_000;

export class ProbeQuestions {
  private asked = 0;

  constructor(private readonly server: RunningProcess) {}

  ask(question: ProbeQuestion): Promise<ProbeAnswer> {
    const { child } = this.server;
    this.asked += 1;
    const probe = this.asked;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(new Error('the server does not answer its probe')), PATIENCE);
      const end = (outcome: Error | ProbeAnswer): void => {
        clearTimeout(timer);
        child.off('message', onMessage);
        child.off('exit', onExit);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      };
      const onMessage = (message: unknown): void => {
        const answer = message as ProbeAnswer;
        if (answer.probe === probe) end(answer);
      };
      const onExit = (): void => end(new Error('the server has ended'));
      child.on('message', onMessage);
      child.on('exit', onExit);
      child.send({ probe, question });
    });
  }
}

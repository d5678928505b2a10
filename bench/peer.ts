// A peer in a process of its own: it is given one line, says hello in one line of JSON, and then does a job per line
// and answers with the nanoseconds that it took. So rounds of it and of ours can be interleaved.
import { type ChildProcess, spawn } from 'node:child_process';

export class Peer<Hello> {
  readonly hello: Hello;
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, hello: Hello) {
    this.child = child;
    this.lines = lines;
    this.hello = hello;
  }

  static async start<Hello>(command: readonly string[], firstLine: string): Promise<Peer<Hello>> {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = linesOf(child);
    child.stdin?.write(`${firstLine}\n`);
    const { value } = await lines.next();
    return new Peer(child, lines, JSON.parse(value) as Hello);
  }

  /** Returns the milliseconds that one job took, measured over there. */
  async time(job: string): Promise<number> {
    this.child.stdin?.write(`${job}\n`);
    const { value } = await this.lines.next();
    return Number(value) / 1e6;
  }

  stop(): void {
    this.child.stdin?.end();
  }
}

async function* linesOf({ stdout }: ChildProcess): AsyncGenerator<string, string> {
  let rest = '';
  stdout?.setEncoding('utf8');
  for await (const chunk of stdout ?? []) {
    const parts = `${rest}${String(chunk)}`.split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  throw new Error('a peer ended early');
}

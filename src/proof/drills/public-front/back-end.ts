// The back end of drilled fronts: one process on loopback for drills that follow one another, because to start it takes longer
// than most of them. It ends soon after the last, and at once with this process, whose pipe to it ends then.
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { DrillSite } from '../../proof.ts';
import { endGroup, LISTEN, spawnListening, toldBy } from '../listeners/listening-program.ts';

const UNTIL_LEFT = `${LISTEN} process.stdin.on('end', () => process.exit()).resume();`;

/** How long it waits for the next drill, in milliseconds. */
const LINGER_MS = 500;

interface BackEnd {
  readonly child: ChildProcess;
  readonly pid: Promise<number>;
  users: number;
  end?: NodeJS.Timeout;
}

let running: BackEnd | undefined;

function start(): BackEnd {
  const child = spawnListening(UNTIL_LEFT, ['127.0.0.1']);
  const pid = toldBy(child, 1).then((told) => {
    child.unref(); // from now on it keeps nobody from ending
    for (const pipe of [child.stdin, child.stdout]) if (pipe instanceof Socket) pipe.unref();
    return told.pid;
  });
  return { child, pid, users: 0 };
}

function leave(backEnd: BackEnd): void {
  backEnd.users--;
  if (backEnd.users > 0) return;
  backEnd.end = setTimeout(() => {
    if (running === backEnd) running = undefined;
    endGroup(backEnd.child).catch(() => {}); // gone by itself
  }, LINGER_MS).unref();
}

/** Returns the pid of a process that listens on 127.0.0.1, for as long as the site stands. */
export async function backEndFor(site: DrillSite): Promise<number> {
  running ??= start();
  const backEnd = running;
  clearTimeout(backEnd.end);
  backEnd.users++;
  site.onCleanup(() => leave(backEnd));
  return await backEnd.pid;
}

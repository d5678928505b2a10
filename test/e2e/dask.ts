// Real Dask for tests: a scheduler of this machine, a client that asks it, and a stand-in for uv, which Debian does
// not have. The stand-in checks the words it gets, runs the program and passes TERM and INT on, as uv does.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from '../free-port.ts';

export const UV_SHIM = `#!/bin/sh
[ "$1" = --project ] && [ -d "$2" ] && [ "$3 $4" = 'run --no-sync' ] || exit 64
shift 4
"$@" &
child=$!
trap 'kill -s TERM "$child"' TERM
trap 'kill -s INT "$child"' INT
while :; do
  wait "$child"
  code=$?
  kill -0 "$child" 2>/dev/null || exit "$code"
done
`;

/** Makes a CA and a certificate in the working directory: ca.pem, cert.pem and key.pem. */
export const CERTIFY = `
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 2
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out request -subj /CN=127.0.0.1
openssl x509 -req -in request -CA ca.pem -CAkey ca.key -CAcreateserial -out cert.pem -days 2
chmod 644 key.pem
`;

export interface Scheduler {
  readonly address: string;
  stop(): Promise<void>;
}

export async function startScheduler(host = '127.0.0.1', namespace?: string): Promise<Scheduler> {
  const port = await freePort();
  const dask = ['dask', 'scheduler', '--host', host, '--port', `${port}`, '--dashboard-address', `${host}:0`];
  const argv = namespace ? ['ip', 'netns', 'exec', namespace, ...dask] : dask;
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore', cwd: '/tmp' });
  return {
    address: `tcp://${host}:${port}`,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.kill('SIGKILL')) await ended;
    },
  };
}

/** Waits for `workers` workers, sums the squares of 0..999 on them and returns the sum and how many took part. */
export async function compute(
  address: string,
  workers: number,
  namespace?: string,
): Promise<[number, number]> {
  const program = `
import sys
from distributed import Client, get_worker
with Client(sys.argv[1], timeout=60) as client:
    client.wait_for_workers(int(sys.argv[2]), timeout=90)
    total = sum(client.gather(client.map(lambda n: n * n, range(1000))))
    ran = client.run(lambda dask_worker: dask_worker.address)
    print(total, len(ran))
`;
  const python = ['/usr/bin/python3', '-c', program, address, `${workers}`];
  const argv = namespace ? ['ip', 'netns', 'exec', namespace, ...python] : python;
  const { stdout } = await promisify(execFile)(argv[0] ?? '', argv.slice(1), {
    timeout: 120_000,
    cwd: '/tmp',
  });
  const [total, ran] = stdout.trim().split(' ').map(Number);
  return [total ?? Number.NaN, ran ?? 0];
}

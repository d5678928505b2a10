// Clients of the served guards, in a process of their own: what they cost is not counted with the server. The first line names
// the socket; each further line is a number of clients and of requests of each, and what that took is the answer.
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const REQUEST = { sources: [{ from: 'cli', value: '127.0.0.1' }], port: 8501 };
const LINE = `${JSON.stringify({ id: 1, guard: 'bind', request: REQUEST })}\n`;

/** One request after the other, each after the answer to the one before. */
const roundTrips = (socket, count) =>
  new Promise((resolve, reject) => {
    let left = count;
    socket.on('data', (answer) => {
      if (!answer.includes('"decision":"allow"')) reject(new Error(`refused: ${answer}`));
      left -= 1;
      if (left > 0) socket.write(LINE);
      else resolve();
    });
    socket.on('error', reject);
    socket.write(LINE);
  });

let path;
for await (const line of createInterface({ input: process.stdin })) {
  if (path === undefined) {
    path = line;
    process.stdout.write('{}\n');
    continue;
  }
  const [clients, requests] = line.split(' ').map(Number);
  const sockets = await Promise.all(
    Array.from({ length: clients }, async () => {
      const socket = connect(path);
      await once(socket, 'connect');
      return socket;
    }),
  );
  const started = process.hrtime.bigint();
  await Promise.all(sockets.map((socket) => roundTrips(socket, requests)));
  process.stdout.write(`${process.hrtime.bigint() - started}\n`);
  for (const socket of sockets) socket.destroy();
}

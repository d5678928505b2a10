// A process that connects by the system's ssh, says how far it is, and waits to be ended: STAGE PORT USER KNOWN_HOSTS KEY.
import { readFileSync } from 'node:fs';
import { connect } from '../../dist/ssh/transport/connect.js';

const [stage, port, user = '', knownHosts = '', key = ''] = process.argv.slice(2);
const told = () => process.stdout.write(`${stage}\n`);
// The record of the host is what the log-in waits for.
const append = async () => {
  if (stage !== 'held') return;
  told();
  await new Promise(() => {});
};
const target = { host: '127.0.0.1', port: Number(port), user, knownHosts: [knownHosts] };
const credentials = { privateKey: readFileSync(key) };
const connection = await connect(target, credentials, { journal: { append }, transport: 'openssh' });
told();
if (stage === 'close') await connection[Symbol.asyncDispose]();

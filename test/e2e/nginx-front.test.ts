// The public-front guard before a real nginx: a wall that holds, and each configuration that fooled a single request.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { publicFront } from '../../src/guards/bind/public-front.ts';
import { judge } from '../../src/kernel/enforce.ts';
import { makeAuthority } from '../../src/proof/drills/public-front/certificates.ts';
import { freePort } from '../free-port.ts';
import { requiresReal } from '../left-out.ts';
import { locate } from '../locate.ts';

const NAME = 'ui.example.test';
const MARKER = 'only the back end knows this';
const nginx = locate('nginx');
if (!nginx && requiresReal) throw new Error('install nginx-light');
const authority = nginx ? await makeAuthority() : undefined;

async function untilOpen(port: number): Promise<void> {
  for (let left = 100; left > 0; left -= 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await setTimeout(50);
  }
  throw new Error('nothing listens');
}

async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

const BACK_END = `require('node:http').createServer((_q, r) => r.end(${JSON.stringify(MARKER)}))
  .on('upgrade', (_q, s) => s.end('HTTP/1.1 101 x\\r\\nupgrade: websocket\\r\\nconnection: upgrade\\r\\n\\r\\n'))
  .listen(Number(process.argv[1]), '127.0.0.1')`;

const PASS = `proxy_pass http://127.0.0.1:BACK; proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";`;
const WALL = 'auth_basic "x"; auth_basic_user_file users;';
const TO_HTTPS = `location / { return 301 https://${NAME}$request_uri; }`;

/** Asks the guard about nginx with these locations behind TLS, and these behind plain HTTP. */
async function ask(secure: string, plain = TO_HTTPS, isBackEndUp = true): Promise<readonly string[]> {
  if (!nginx || !authority) throw new Error('no nginx');
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'nginx-')));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const [port, plainPort, back] = [await freePort(), await freePort(), await freePort()];
  const { cert, key } = authority.issue(NAME);
  const files = { 'cert.pem': cert, 'key.pem': key, users: 'drill:{PLAIN}right\n' };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const server = (listen: string, locations: string): string =>
    `server { listen 127.0.0.1:${listen}; server_name ${NAME}; ${locations.replaceAll('BACK', String(back)).replaceAll('LISTEN', listen)} }`;
  writeFileSync(
    join(directory, 'nginx.conf'),
    `${process.getuid?.() === 0 ? 'user root;' : ''} pid ${directory}/pid; error_log ${directory}/error.log; events {}
    http { access_log off; ssl_certificate cert.pem; ssl_certificate_key key.pem;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${directory}/${name};`).join(' ')}
      ${server(`${port} ssl`, secure)} ${server(String(plainPort), plain)} }`,
  );
  const backEnd = spawn(process.execPath, ['-e', BACK_END, String(back)], { stdio: 'ignore' });
  onTestFinished(() => stopped(backEnd));
  await untilOpen(back);
  const front = spawn(nginx, ['-p', directory, '-c', 'nginx.conf', '-g', 'daemon off;'], { stdio: 'ignore' });
  onTestFinished(() => stopped(front));
  await untilOpen(port);
  if (!isBackEndUp) await stopped(backEnd);
  const { codes } = await judge(publicFront, {
    name: NAME,
    address: '127.0.0.1',
    port,
    roots: [authority.cert],
    plainPort,
    paths: ['/', '/health', '/page'],
    stream: '/stream',
    authorization: `Basic ${Buffer.from('drill:right').toString('base64')}`,
    proof: { path: '/page', marker: MARKER },
    backEnd: backEnd.pid ?? 0,
    ttlSeconds: 60,
  });
  return codes;
}

describe.skipIf(!nginx)('nginx (nginx-light)', () => {
  it('is a front when it asks everybody for credentials, everywhere', async () => {
    expect(await ask(`location / { ${WALL} ${PASS} }`)).toEqual([]);
  });

  it.each<[string, string, string?, boolean?]>([
    ['protects / and nothing else', `location = / { ${WALL} ${PASS} } location / { ${PASS} }`],
    ['leaves the stream open', `location / { ${WALL} ${PASS} } location = /stream { ${PASS} }`],
    ['leaves the health path open', `location / { ${WALL} ${PASS} } location = /health { ${PASS} }`],
    [
      'knows programs by their name',
      `set $ask "x"; if ($http_user_agent ~ Mozilla) { set $ask off; } location / { auth_basic $ask; auth_basic_user_file users; ${PASS} }`,
    ],
    ['has a dead back end', `location / { ${WALL} ${PASS} }`, TO_HTTPS, false],
    ['is dead for strangers and open for nobody', 'location / { return 503; }'],
    [
      'sends strangers into the open application',
      `location = / { return 302 /open; } location / { ${PASS} }`,
    ],
    [
      'asks those alone who bring nothing',
      `location / { if ($http_authorization = "") { return 401; } ${PASS} }`,
    ],
    [
      'asks for credentials to read and write, not to delete',
      `location / { limit_except DELETE { ${WALL} } ${PASS} }`,
    ],
    [
      'has a default server without a wall',
      `location / { ${WALL} ${PASS} } } server { listen 127.0.0.1:LISTEN default_server; location / { ${PASS} }`,
    ],
    [
      'serves all but / without TLS',
      `location / { ${WALL} ${PASS} }`,
      `location = / { return 301 https://${NAME}/; } location / { ${PASS} }`,
    ],
  ])('is none when it %s', async (_what, secure, plain, isBackEndUp) => {
    expect((await ask(secure, plain, isBackEndUp))[0]).toMatch(/^public-front\./);
  });
});

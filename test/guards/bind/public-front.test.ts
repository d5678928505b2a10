// The front guard on whatever answers, and on whatever is asked.

import { once } from 'node:events';
import { createServer as createRaw, type Server } from 'node:net';
import { createServer } from 'node:tls';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type PublicFrontRequest, publicFront } from '../../../src/guards/bind/public-front.ts';
import { enforce, judge } from '../../../src/kernel/enforce.ts';
import { makeAuthority } from '../../../src/proof/drills/public-front/certificates.ts';
import { publicFrontDrills } from '../../../src/proof/drills/public-front/public-front-drills.ts';
import { siteIn } from '../../drill-site.ts';
import { memoryJournal } from '../../memory-journal.ts';

async function portOf(server: Server): Promise<number> {
  onTestFinished(() => void server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return at.port;
}

const NAME = 'ui.example.test';
const requestOf = (port: number, roots: readonly string[]): PublicFrontRequest => ({
  name: NAME,
  address: '127.0.0.1',
  port,
  roots,
  plainPort: 1,
  paths: ['/'],
  stream: '/s',
  authorization: 'Basic x',
  proof: { path: '/', marker: 'the marker' },
  backEnd: process.pid,
  ttlSeconds: 60,
});

describe('a front', () => {
  it('is granted with what was asked of it, and without the credentials', { timeout: 60_000 }, async () => {
    const undo: (() => Promise<void> | void)[] = [];
    onTestFinished(async () => {
      for (const step of undo.toReversed()) await step();
    });
    const drill = publicFrontDrills.find(({ id }) => id === 'front');
    const request = await drill?.build(siteIn('/nowhere', { onCleanup: (step) => void undo.push(step) }));
    if (!request) throw new Error('no drill');
    const journal = memoryJournal();
    const front = await enforce(publicFront, request, { journal });
    // Six paths, four methods, three more where nothing lies, and two strangers; and the stream.
    expect(front.asked).toHaveLength((6 * 4 + 3) * 2 + 2);
    expect(new Set(front.asked.map(({ verdict }) => verdict))).toEqual(new Set(['refused']));
    expect(Date.parse(front.expires) - Date.now()).toBeLessThanOrEqual(3_600_000);
    const told = JSON.stringify([front, journal.drafts]);
    for (const secret of [request.authorization, request.proof.marker]) expect(told).not.toContain(secret);
  });

  it.each<[string, string]>([
    ['answers what is no HTTP', 'hello\r\n\r\n'],
    ['answers a status that there is not', 'HTTP/1.1 999 x\r\ncontent-length: 0\r\n\r\n'],
    ['sends to nowhere', 'HTTP/1.1 302 x\r\nlocation: http://[\r\ncontent-length: 0\r\n\r\n'],
    ['hangs up', ''],
  ])('is refused that %s', { timeout: 60_000 }, async (_what, text) => {
    const authority = await makeAuthority();
    const server = createServer(authority.issue(NAME), (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(text));
    });
    const { codes } = await judge(publicFront, requestOf(await portOf(server), [authority.cert]), {
      timeoutMs: 60_000,
    });
    expect(codes).toContain('public-front.let-through');
  });

  it('is asked over a new connection where it closes each that was kept', { timeout: 60_000 }, async () => {
    const authority = await makeAuthority();
    let closed = 0;
    const server = createServer(authority.issue(NAME), (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write('HTTP/1.1 401 x\r\ncontent-length: 0\r\n\r\n');
        socket.once('data', () => {
          closed++;
          socket.destroy();
        });
      });
    });
    const { codes } = await judge(publicFront, requestOf(await portOf(server), [authority.cert]), {
      timeoutMs: 60_000,
    });
    expect(closed).toBeGreaterThan(0);
    expect(codes).not.toContain('public-front.let-through');
    expect(codes).toContain('public-front.no-back-end');
  });

  it('is refused that does not speak TLS, or does not speak at all', { timeout: 60_000 }, async () => {
    const authority = await makeAuthority();
    for (const answer of ['HTTP/1.1 401 x\r\n\r\n', undefined]) {
      const server = createRaw((socket) => {
        socket.on('error', () => {});
        if (answer !== undefined) socket.end(answer);
        onTestFinished(() => void socket.destroy());
      });
      const { codes } = await judge(publicFront, requestOf(await portOf(server), [authority.cert]), {
        timeoutMs: 60_000,
      });
      expect(codes[0]).toMatch(/^public-front\.(?:unreachable|certificate)$/);
    }
  });
});

it('judges whatever is asked by a code', async () => {
  const field = fc.oneof(fc.anything(), fc.string(), fc.nat(70_000));
  const request = fc.record({
    name: field,
    address: fc.constant('127.0.0.1'),
    port: fc.constant(1),
    roots: fc.array(fc.string()),
    plainPort: fc.constant(1),
    paths: fc.array(fc.string()),
    authorization: field,
    proof: fc.anything(),
    backEnd: field,
    ttlSeconds: field,
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(request, fc.anything()), async (asked) => {
      const { decision, codes } = await judge(publicFront, asked as PublicFrontRequest);
      expect(decision).not.toBe('allow');
      expect(codes[0]).toMatch(/^(?:public-front|guard)\.[a-z-]+$/);
      expect(codes).not.toContain('guard.rule-failed');
    }),
  );
});

it('takes roots that are no certificates for what they are: no roots', async () => {
  const { codes } = await judge(publicFront, requestOf(1, ['no certificate']));
  expect(codes[0]).toMatch(/^(?:public-front\.unreachable|guard\.observe-failed)$/);
});

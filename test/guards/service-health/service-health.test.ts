// The health guard on whatever a service may say, and the exit codes that AGILAB's tools know.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  type ServiceHealthRequest,
  serviceHealth,
} from '../../../src/guards/service-health/service-health.ts';
import { judge } from '../../../src/kernel/enforce.ts';
import { guardrails } from '../../cli/run-cli.ts';

const HEALTHY = {
  status: 'running',
  workers_running_count: 4,
  workers_unhealthy_count: 0,
  workers_restarted_count: 0,
};

async function scheduler(answer: RequestListener): Promise<ServiceHealthRequest> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  const at = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return {
    dask: { url: `http://127.0.0.1:${at.port}`, workers: ['tcp://127.0.0.1:1'], maxSilentSeconds: 5 },
  };
}

describe('a live source', () => {
  it.each<[string, RequestListener]>([
    [
      'an answer without end',
      (_request, response) =>
        void setInterval(() => response.write(Buffer.alloc(1_000_000, 0x20)), 1).unref(),
    ],
    [
      'a redirection',
      (_request, response) => void response.writeHead(302, { location: '/json/identity.json?x' }).end(),
    ],
    ['a connection that is cut', (_request, response) => void response.destroy()],
    [
      'an answer that is cut',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 100 });
        response.write('{');
        setTimeout(() => response.destroy(), 10);
      },
    ],
    [
      'an answer without a date',
      (_request, response) => {
        response.sendDate = false;
        response.end('{"type": "Scheduler", "workers": {}}');
      },
    ],
    ['a text 100,000 deep', (_request, response) => void response.end('['.repeat(100_000))],
  ])('refuses %s', async (_what, answer) => {
    expect((await judge(serviceHealth, await scheduler(answer))).codes).toEqual(['service-health.no-report']);
  });

  it('refuses silence at the deadline', async () => {
    const request = await scheduler(() => {});
    expect((await judge(serviceHealth, request, { timeoutMs: 200 })).codes).toEqual(['guard.timeout']);
  });
});

it('gives check the exit codes of AGILAB', { timeout: 60_000 }, () => {
  const here = mkdtempSync(join(tmpdir(), 'cli-health-'));
  onTestFinished(() => rmSync(here, { recursive: true }));
  const codeOf = (report: unknown): number | null =>
    guardrails(['check', 'service-health', '--json', JSON.stringify({ report })], here).code;
  expect(codeOf(HEALTHY)).toBe(0);
  expect(codeOf({})).toBe(1);
  expect(codeOf({ ...HEALTHY, workers_unhealthy_count: 2 })).toBe(2);
  expect(codeOf({ ...HEALTHY, status: 'error' })).toBe(3);
  expect(codeOf({ ...HEALTHY, status: 'idle' })).toBe(4);
  expect(codeOf({ ...HEALTHY, workers_restarted_count: 2 })).toBe(5);
});

it('judges whatever is reported by a code, and allows counts only that are', async () => {
  const value = fc.oneof(
    fc.anything(),
    fc.integer(),
    fc.double(),
    fc.constantFrom('running', 'idle', 'RUNNING'),
  );
  const report = fc.record(
    {
      status: value,
      workers_running_count: value,
      workers_unhealthy_count: value,
      workers_restarted_count: value,
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(report, fc.anything()), async (reported) => {
      const { decision, codes } = await judge(serviceHealth, { report: reported });
      if (decision !== 'allow') expect(codes[0]).toMatch(/^(?:service-health|guard)\.[a-z-]+$/);
      else
        expect(reported).toMatchObject({
          status: 'running',
          workers_unhealthy_count: 0,
          workers_running_count: expect.toSatisfy(Number.isSafeInteger),
        });
      expect(codes).not.toContain('guard.rule-failed');
    }),
  );
});

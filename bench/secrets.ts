// The look for secrets at rest beside secretlint alone over the same tree: the sources of this package.
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, resolve } from 'node:path';
import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { judge, secrets } from '../dist/guards/index.js';

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] ?? 0;

/** Milliseconds of processor time: on a busy machine the clock says more of the others. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

export async function secretsBench(): Promise<void> {
  const root = resolve('src');
  const options = {
    config: { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] },
    noPhysicFilePath: true,
  };
  const secretlint = async (): Promise<void> => {
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const filePath = join(entry.parentPath, entry.name);
      const content = readFileSync(filePath, 'utf8');
      const source = { filePath, content, ext: extname(filePath), contentType: 'text' as const };
      await lintSource({ source, options });
    }
  };
  const look = async (): Promise<void> => {
    const { decision, reason } = await judge(secrets, { root });
    if (decision !== 'allow') throw new Error(reason); // a look that was given up took less
  };
  const [alone, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < 7; round += 1) {
    alone.push(await timed(secretlint));
    ours.push(await timed(look));
  }
  const times = median(ours) / median(alone);
  process.stdout.write(
    `secrets: the sources of this package in ${median(ours).toFixed(0)} ms of processor time, ${times.toFixed(2)} times secretlint alone\n`,
  );
}

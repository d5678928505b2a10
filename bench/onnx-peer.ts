// Starts onnxruntime-node on the same forest as ONNX. It is a package of its own, so that nobody has to install it, and
// runs in a process of its own: it detaches a buffer, and from then on V8 checks every access to any buffer there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Peer } from './peer.ts';

/** Every way of running the forest, by its number in a job, with what it answers to all rows. */
export type OnnxPeer = Peer<readonly { readonly name: string; readonly answers: readonly number[] }[]>;

const here = (path: string): string => fileURLToPath(new URL(`onnx/${path}`, import.meta.url));

/** Starts it with a forest as JSON and rows in base64. Says why not where something is not installed. */
export async function startOnnx(forest: string, rows: string, width: number): Promise<OnnxPeer | undefined> {
  if (!existsSync(here('node_modules/onnxruntime-node'))) {
    console.log('  left out: onnxruntime-node; install it with npm ci --prefix bench/onnx');
    return undefined;
  }
  const [python = '', ...args] = (process.env['GUARDRAILS_ONNX'] ?? '/usr/bin/python3').split(' ');
  const { status, stdout } = spawnSync(python, [...args, here('forest-to-onnx.py'), String(width)], {
    input: forest,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) {
    console.log('  left out: onnxruntime-node; its model is made with python3-onnx, which is not installed');
    return undefined;
  }
  const models: unknown = JSON.parse(stdout);
  return Peer.start([process.execPath, here('peer.mjs')], JSON.stringify({ models, rows, width }));
}

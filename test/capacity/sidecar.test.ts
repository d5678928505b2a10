// The sidecar format: what we write is what Python writes, and only that is read.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { encodeSidecar, parseSidecar, type Sidecar } from '../../src/capacity/sidecar.ts';
import { requiresReal } from '../left-out.ts';

const good: Sidecar = {
  schema: 'agilab.capacity_model_manifest.v1',
  algorithm: 'sha256',
  digest_sha256: '0123456789abcdef'.repeat(4),
  model_file: 'balancer_model.pkl',
  size_bytes: 1_942_056,
};

describe('the sidecar', () => {
  it.each([
    'balancer_model.pkl',
    'modèle 語 😀.pkl',
    'it\'s "quoted".pkl',
    'm',
    'mm',
    '...',
    'm'.repeat(255),
  ])('is read back: %s', (model_file) => {
    const sidecar = { ...good, model_file };
    expect(parseSidecar(Buffer.from(encodeSidecar(sidecar)))).toEqual(sidecar);
  });

  it('has the bytes that Python writes', (context) => {
    const sidecar = { ...good, model_file: 'modèle 語 😀 ~.pkl' };
    const script = 'import json, sys; print(json.dumps(json.load(sys.stdin), indent=2, sort_keys=True))';
    const { stdout, error } = spawnSync('python3', ['-c', script], { input: JSON.stringify(sidecar) });
    if (error && !requiresReal) context.skip('no python3');
    expect(encodeSidecar(sidecar)).toBe(stdout.toString());
  });

  const changed = (change: Record<string, unknown>): string => JSON.stringify({ ...good, ...change });
  it.each([
    ['another schema', changed({ schema: 'agilab.capacity_model_manifest.v2' })],
    ['another algorithm', changed({ algorithm: 'sha1' })],
    ['an algorithm in capitals', changed({ algorithm: 'SHA256' })],
    ['a digest in capitals', changed({ digest_sha256: good.digest_sha256.toUpperCase() })],
    ['a digest with a prefix', changed({ digest_sha256: `sha256:${good.digest_sha256}` })],
    ['a short digest', changed({ digest_sha256: good.digest_sha256.slice(1) })],
    ['a digest and a line feed', changed({ digest_sha256: `${good.digest_sha256}\n` })],
    ['a path for a name', changed({ model_file: '../balancer_model.pkl' })],
    ['a Windows path for a name', changed({ model_file: 'C:\\model.pkl' })],
    ['a name of 256 letters', changed({ model_file: 'm'.repeat(256) })],
    ['no name', changed({ model_file: '' })],
    ['a dot for a name', changed({ model_file: '.' })],
    ['dots for a name', changed({ model_file: '..' })],
    ['a control character in the name', changed({ model_file: 'a\u0000b' })],
    ['a size as text', changed({ size_bytes: '1942056' })],
    ['true for a size, which Python takes for 1', changed({ size_bytes: true })],
    ['a negative size', changed({ size_bytes: -1 })],
    ['an unknown key', changed({ note: 'hello' })],
    ['a missing key', JSON.stringify({ ...good, size_bytes: undefined })],
    ['an array', '[]'],
    ['null', 'null'],
    ['a string', '"sidecar"'],
  ])('refuses %s', (_why, text) => {
    expect(() => parseSidecar(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'sidecar.schema-mismatch' }),
    );
  });

  it.each([
    ['a size with a point', JSON.stringify(good).replace('1942056', '1942056.0'), 'json.not-integer'],
    ['a size with an exponent', JSON.stringify(good).replace('1942056', '1e3'), 'json.not-integer'],
    ['two sizes', JSON.stringify(good).replace('{', '{"size_bytes":1,'), 'json.duplicate-key'],
    ['a byte order mark', `\ufeff${JSON.stringify(good)}`, 'json.encoding'],
    ['depth', '['.repeat(5) + ']'.repeat(5), 'json.too-deep'],
    ['size', ' '.repeat(65_537), 'json.too-large'],
  ])('refuses %s', (_why, text, code) => {
    expect(() => parseSidecar(Buffer.from(text))).toThrow(expect.objectContaining({ code }));
  });
});

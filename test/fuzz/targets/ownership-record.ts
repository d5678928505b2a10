// The reader of ownership records: what it reads must be all that the text says. Our own line is written again from what
// was read; AGILAB's JSON is read once more by momoa.
import { parseOwnerRecord } from '../../../src/ssh/process/ownership-record.ts';
import { oracleRead } from '../../evidence/json-oracle.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const BOOT = '51651e8d-6d2e-45bd-826f-30400bd68821';
const TOKEN = 'f50da7e321d3054e0631d60525cfd9f0';
const LINE = `agilab-process-owner-v1 ${BOOT} pid:[4026531836] 4847 155056 0 ${TOKEN}`;
const AGILAB = {
  pid: 4847,
  process_start_time: 1795699863.26,
  schema: 'agilab-dask-pid-owner-v1',
  target: '/home/u/wenv "pid": 3',
};

const rules = {
  maxDepth: 32,
  fractionAt: ([key]: readonly (string | number)[]) => key === 'process_start_time',
};

export const target = {
  name: 'ownership-record',
  oracle: 'the text itself, and momoa',
  seeds: [
    LINE,
    `${LINE} /sys/fs/cgroup/system.slice/guardrails-${TOKEN}`,
    `${LINE} /sys/fs/cgroup/user.slice/user@0.service/guardrails-${TOKEN}.scope`,
    JSON.stringify(AGILAB, null, 2),
    JSON.stringify(AGILAB),
    `{"pid": 7, ${JSON.stringify(AGILAB).slice(1)}`,
  ].map(bytesOf),
  words: [
    ' ',
    '\n',
    '\0',
    '..',
    '/',
    '0',
    '-1',
    '"\\u0070id": 7,',
    '"pid": 7,',
    '.scope',
    TOKEN,
    'NaN',
    '1e3',
    '.0',
    ' x',
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const record = parseOwnerRecord(text);
    if (record?.kind === 'own') {
      const { boot, namespace, pid, tick, uid, token, cgroup } = record;
      const again = ['agilab-process-owner-v1', boot, namespace, pid, tick, uid, token, cgroup];
      if (again.filter((part) => part !== undefined).join(' ') !== text)
        throw new Error('more or less than the text');
      if (cgroup?.includes(`/guardrails-${token}`) === false) throw new Error('a cgroup that is not ours');
      return;
    }
    const oracle = oracleRead(text, rules) as Partial<typeof AGILAB> | undefined;
    const isRecord =
      typeof oracle === 'object' &&
      oracle !== null &&
      Object.keys(oracle).sort().join() === Object.keys(AGILAB).sort().join() &&
      oracle.schema === AGILAB.schema &&
      typeof oracle.target === 'string' &&
      oracle.target !== '' &&
      Number.isInteger(oracle.pid) &&
      Number(oracle.pid) >= 1 &&
      Number(oracle.pid) < 1e9 &&
      Number(oracle.process_start_time) > 0;
    const expected = isRecord
      ? { kind: 'agilab', pid: oracle.pid, startTime: oracle.process_start_time, target: oracle.target }
      : undefined;
    if (JSON.stringify(record) !== JSON.stringify(expected)) throw new Error('ours and momoa differ');
  },
} satisfies FuzzTarget;

// A sound register of gaps, beside claims and a baseline that a key of the drill signed, and how a drill makes one thing wrong with it.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealEnvelope } from '../../../evidence/dsse.ts';
import { generateSigner, type NoteSigner } from '../../../evidence/keys.ts';
import { IN_TOTO, SCORECARD_PREDICATE, STATEMENT_TYPE } from '../../../scorecard/baseline.ts';
import { type Claims, writeClaims } from '../../../scorecard/claims.ts';
import type { GapRegisterRequest } from '../../../scorecard/gap-register/gap-register-look.ts';
import { retire } from '../../../scorecard/retired.ts';
import type { Drill } from '../../proof.ts';
import { VKEY } from '../../random.ts';

/** A register as text can have it: every part may be wrong. */
export interface Gap extends Record<string, unknown> {
  id: string;
  severity: string;
  status: string;
  evidence_required: { requirement: string; evidence: string[] }[];
}

/** One day long ago, so that no clock makes it the future. */
const DAY = '2001-02-03';

export const gap = (id: string, more: Partial<Gap> = {}): Gap => ({
  id,
  severity: 'P1',
  status: 'conditional',
  owner: 'a team',
  opened: DAY,
  reviewed: DAY,
  surface: 'a surface',
  production_boundary: 'a boundary',
  words: ['a word'],
  evidence_required: [
    { requirement: 'the first', evidence: [] },
    { requirement: 'the second', evidence: [] },
  ],
  ...more,
});

/** What closes the gap about tenants: drills of a deployment's own guard. */
export const CLOSED = [
  { requirement: 'the first', evidence: ['drill:acme/tenants/other-workspace'] },
  { requirement: 'the second', evidence: ['drill:acme/tenants/other-cache'] },
];

const gaps = (): Gap[] => [
  gap('tenant-isolation', { status: 'shipped', evidence_required: structuredClone(CLOSED) }),
  gap('enterprise-auth-rbac', { status: 'open' }),
  gap('production-rollback'),
  gap('regulated-serving'),
  gap('capacity-model-signature', {
    severity: 'P2',
    status: 'shipped',
    evidence_required: [{ requirement: 'swapped', evidence: ['drill:capacity-model/swapped'] }],
  }),
  gap('found-later', { severity: 'P0', status: 'open' }),
];

const claim = (guard: string, drills: readonly string[]): Claims['claims'][number] => ({
  guard,
  policyDigest: '0'.repeat(64),
  timeToLive: 86_400,
  drills: drills.map((id) => ({ id, expects: 'allow' })),
  mutants: [],
});

const CLAIMS: Claims = {
  schema: 'agilab.guard_claims.v1',
  dimensions: [
    {
      id: 'a-row',
      letters: 'AR',
      label: 'A row',
      weight: 1,
      probes: ['capacity-model', 'acme/tenants', 'bind'],
    },
  ],
  claims: [
    claim('capacity-model', ['swapped']),
    claim('acme/tenants', ['other-workspace', 'other-cache', 'unrelated']),
    claim('bind', ['star']),
  ],
};

/** An earlier scorecard: the register above, as it counted. */
export function baseline(): {
  predicate: {
    context: { now: number };
    register: { gaps: (Gap & { counted: string; penalty: number })[] };
  };
} {
  const penalty = (severity: string, status: string): number =>
    status === 'shipped' ? 0 : severity === 'P0' ? 300 : status === 'open' ? 150 : 75;
  const counted = gaps().map((each) => ({
    ...each,
    counted: each.status,
    why: 'as registered',
    penalty: penalty(each.severity, each.status),
  }));
  return Object.assign(
    { _type: STATEMENT_TYPE, predicateType: SCORECARD_PREDICATE },
    {
      predicate: {
        schema: 'agilab.architecture_scorecard.v2',
        scorer: { version: 1 },
        score: { milli: 0 },
        context: { codeDigest: '0'.repeat(64), now: Date.parse(DAY) },
        claims: CLAIMS,
        probes: [],
        register: { gaps: counted },
        suite: [],
      },
    },
  );
}

/** What is wrong: with the register, with the statement before it is signed, with the files once all lie there. */
interface Fault {
  readonly register?: (file: { schema: string; scope: string; gaps: Gap[] }) => unknown;
  readonly text?: (text: string) => string;
  readonly baseline?: (statement: ReturnType<typeof baseline>) => unknown;
  readonly retire?: readonly string[];
  /** On the day of the baseline, unless it says otherwise. */
  readonly retiredOn?: string;
  readonly request?: (
    request: GapRegisterRequest,
    root: string,
    stranger: NoteSigner,
  ) => Promise<GapRegisterRequest>;
}

export const find = (file: { gaps: Gap[] }, id: string): Gap =>
  file.gaps.find((each) => each.id === id) as Gap;

export const forget = (file: { gaps: Gap[] }, id: string): unknown =>
  file.gaps.splice(
    file.gaps.findIndex((each) => each.id === id),
    1,
  );

export function drill(
  id: string,
  fault: string,
  expects: string,
  wrong: Fault = {},
): Drill<GapRegisterRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      const root = site.directory;
      const at = (name: string): string => join(root, name);
      const signer = generateSigner('agilab-guardrails/drill');
      const stranger = generateSigner('agilab-guardrails/stranger');
      site.random('KEY', VKEY);
      site.random('SIGNATURE', /(?<="(?:keyid|sig)":")[^"]*/g);
      const file = { schema: 'agilab.architecture_hardening_gaps.v2', scope: 'a drill', gaps: gaps() };
      wrong.register?.(file);
      const text = JSON.stringify(file, null, 2);
      await writeFile(at('gaps.json'), wrong.text?.(text) ?? text, { mode: 0o600 });
      await writeFile(at('claims.json'), writeClaims(CLAIMS), { mode: 0o600 });
      const statement = baseline();
      wrong.baseline?.(statement);
      const seal = (payload: string): string => sealEnvelope(signer, IN_TOTO, Buffer.from(payload));
      await writeFile(at('baseline.json'), seal(JSON.stringify(statement)), { mode: 0o600 });
      const keys = [signer.vkey];
      let request: GapRegisterRequest = {
        register: at('gaps.json'),
        claims: at('claims.json'),
        baseline: { file: at('baseline.json'), keys },
      };
      if (wrong.retire) {
        const entries = seal(
          retire(wrong.retire, 'taken out by this drill', '0'.repeat(64), Date.parse(wrong.retiredOn ?? DAY)),
        );
        await writeFile(at('retired.json'), entries, { mode: 0o600 });
        request = { ...request, retired: { file: at('retired.json'), keys } };
      }
      return (await wrong.request?.(request, root, stranger)) ?? request;
    },
  };
}

// Registers that hide, forget or play down a gap: a sound one, beside claims and a baseline that a key of the drill signed, and
// then one thing wrong with it.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sealEnvelope } from '../../../evidence/dsse.ts';
import { generateSigner, type NoteSigner } from '../../../evidence/keys.ts';
import { IN_TOTO, SCORECARD_PREDICATE, STATEMENT_TYPE } from '../../../scorecard/baseline.ts';
import { type Claims, writeClaims } from '../../../scorecard/claims.ts';
import { OF_THE_DEPLOYMENT } from '../../../scorecard/gap-proof.ts';
import type { GapRegisterRequest } from '../../../scorecard/gap-register/gap-register-look.ts';
import { MANDATORY } from '../../../scorecard/register.ts';
import { retire } from '../../../scorecard/retired.ts';
import type { Drill } from '../../proof.ts';
import { VKEY } from '../../random.ts';

/** A register as text can have it: every part may be wrong. */
interface Gap extends Record<string, unknown> {
  id: string;
  severity: string;
  status: string;
  evidence_required: { requirement: string; evidence: string[] }[];
}

/** One day long ago, so that no clock makes it the future. */
const DAY = '2001-02-03';

const gap = (id: string, more: Partial<Gap> = {}): Gap => ({
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
const CLOSED = [
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
function baseline(): {
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

const find = (file: { gaps: Gap[] }, id: string): Gap => file.gaps.find((each) => each.id === id) as Gap;

function drill(id: string, fault: string, expects: string, wrong: Fault = {}): Drill<GapRegisterRequest> {
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

const MALFORMED = 'gap-register.malformed';
const forget = (file: { gaps: Gap[] }, id: string): unknown =>
  file.gaps.splice(
    file.gaps.findIndex((each) => each.id === id),
    1,
  );

export const gapRegisterDrills: readonly Drill<GapRegisterRequest>[] = [
  drill('sound', 'none: as it was', 'allow'),
  drill('no-baseline', 'none: nothing to compare with', 'allow', {
    request: async ({ baseline: _left, ...request }) => request,
  }),
  drill('another-gap', 'none: one more gap', 'allow', {
    register: ({ gaps: all }) => all.push(gap('newest')),
  }),
  drill('dearer', 'none: a gap that costs more than it did', 'allow', {
    register: (file) => Object.assign(find(file, 'regulated-serving'), { severity: 'P0', status: 'open' }),
  }),
  drill('closed-since', 'none: a gap closed since the baseline, by drills', 'allow', {
    baseline: ({ predicate: { register } }) =>
      Object.assign(find(register, 'tenant-isolation'), {
        counted: 'conditional',
        penalty: 75,
        evidence_required: CLOSED.map(({ requirement }) => ({ requirement, evidence: [] })),
      }),
  }),
  drill('retired', 'none: a gap that was taken out by a signed entry', 'allow', {
    register: (file) => forget(file, 'found-later'),
    retire: ['gap:found-later'],
  }),
  drill('missing', 'no register', 'gap-register.unreadable', {
    request: async (request, root) => ({ ...request, register: join(root, 'nothing.json') }),
  }),
  drill('linked', 'a register that is a link', 'gap-register.unreadable', {
    request: async (request, root) => {
      await symlink('gaps.json', join(root, 'link.json'));
      return { ...request, register: join(root, 'link.json') };
    },
  }),
  drill('directory', 'a register that is a directory', 'gap-register.unreadable', {
    request: async (request, root) => {
      await mkdir(join(root, 'folder'), { mode: 0o700 });
      return { ...request, register: join(root, 'folder') };
    },
  }),
  drill('not-json', 'a register that is no JSON', MALFORMED, { text: (text) => `// gaps\n${text}` }),
  drill('key-twice', 'a status that is written twice', MALFORMED, {
    text: (text) => text.replace('"status": "open"', '"status": "open",\n      "status": "shipped"'),
  }),
  drill('unknown-status', 'a status that there is not', MALFORMED, {
    register: (file) => Object.assign(find(file, 'found-later'), { status: 'wontfix' }),
  }),
  drill('unknown-key', 'a key that there is not', MALFORMED, {
    register: (file) => Object.assign(find(file, 'found-later'), { weight: 0 }),
  }),
  drill('gap-twice', 'a gap that is named twice', MALFORMED, {
    register: (file) => file.gaps.push(gap('found-later')),
  }),
  drill('no-owner', 'a gap of nobody', MALFORMED, {
    register: (file) => delete find(file, 'found-later')['owner'],
  }),
  drill('mandatory-missing', 'a mandatory gap left out', 'gap-register.mandatory-gap', {
    register: (file) => forget(file, 'regulated-serving'),
  }),
  ...[...MANDATORY.keys()].map((id, n) =>
    drill(`mandatory-missing-${n + 1}`, `the mandatory gap ${n + 1} left out`, 'gap-register.mandatory-gap', {
      register: (file) => forget(file, id),
    }),
  ),
  drill('mandatory-played-down', 'a mandatory gap called less severe', 'gap-register.mandatory-gap', {
    register: (file) => Object.assign(find(file, 'regulated-serving'), { severity: 'P2' }),
  }),
  drill('version-1', 'a register without owners, dates and drills', 'gap-register.unowned', {
    register: (file) => {
      const strip = ({ owner: _o, opened: _d, reviewed: _r, words: _w, ...rest }: Gap): unknown => ({
        ...rest,
        evidence_required: rest.evidence_required.map(({ requirement }) => requirement),
      });
      Object.assign(file, {
        schema: 'agilab.architecture_hardening_gaps.v1',
        supported_score: '5 / 5',
        gaps: file.gaps.map(strip),
      });
    },
  }),
  drill('looked-at-before', 'a gap that was looked at before it was found', 'gap-register.dates', {
    register: (file) => Object.assign(find(file, 'found-later'), { reviewed: '1999-01-01' }),
  }),
  drill('looked-at-tomorrow', 'a gap that was looked at in the future', 'gap-register.dates', {
    register: (file) => Object.assign(find(file, 'found-later'), { reviewed: '9999-01-01' }),
  }),
  drill('no-claims', 'claims that are none', 'gap-register.claims-unreadable', {
    request: async (request) => ({ ...request, claims: request.register }),
  }),
  drill('unknown-drill', 'a drill that nobody claims', 'gap-register.unknown-drill', {
    register: (file) =>
      find(file, 'tenant-isolation').evidence_required[0]?.evidence.push('drill:acme/tenants/imagined'),
  }),
  drill(
    'house-drill',
    "a deployment's gap, proven by a guard of this package",
    'gap-register.foreign-drill',
    {
      register: (file) =>
        find(file, 'tenant-isolation').evidence_required[0]?.evidence.push('drill:bind/star'),
    },
  ),
  ...[...OF_THE_DEPLOYMENT].map((id, n) =>
    drill(
      `house-drill-${n + 1}`,
      `a deployment's gap ${n + 1}, proven by a guard of this package`,
      'gap-register.foreign-drill',
      {
        register: (file) => find(file, id).evidence_required[0]?.evidence.push('drill:bind/star'),
      },
    ),
  ),
  drill(
    'other-house-drill',
    'a gap of this package, proven by another of its guards',
    'gap-register.foreign-drill',
    {
      register: (file) =>
        find(file, 'capacity-model-signature').evidence_required[0]?.evidence.push('drill:bind/star'),
    },
  ),
  drill('one-drill-for-two', 'one drill for two requirements', 'gap-register.shared-drill', {
    register: (file) =>
      find(file, 'tenant-isolation').evidence_required[1]?.evidence.push(
        'drill:acme/tenants/other-workspace',
      ),
  }),
  drill('shipped-by-saying-so', 'a gap called shipped without a drill', 'gap-register.shipped-unproven', {
    register: (file) => Object.assign(find(file, 'regulated-serving'), { status: 'shipped' }),
  }),
  drill(
    'shipped-by-half',
    'a gap called shipped with a requirement left over',
    'gap-register.shipped-unproven',
    {
      register: (file) =>
        find(file, 'tenant-isolation').evidence_required.push({ requirement: 'the third', evidence: [] }),
    },
  ),
  drill('unsigned', 'a baseline in no envelope', 'gap-register.baseline-unbelieved', {
    request: async (request, root) => {
      await writeFile(join(root, 'bare.json'), JSON.stringify(baseline()), { mode: 0o600 });
      return { ...request, baseline: { file: join(root, 'bare.json'), keys: request.baseline?.keys ?? [] } };
    },
  }),
  drill('stranger', 'a baseline that a stranger signed', 'gap-register.baseline-unbelieved', {
    request: async (request, _root, { vkey }) => ({
      ...request,
      baseline: { file: request.baseline?.file ?? '', keys: [vkey] },
    }),
  }),
  drill('retired-by-stranger', 'entries that a stranger signed', 'gap-register.retired-unbelieved', {
    retire: ['gap:found-later'],
    request: async (request, _root, { vkey }) => ({
      ...request,
      retired: { file: request.retired?.file ?? '', keys: [vkey] },
    }),
  }),
  drill('removed', 'a gap that is gone since the baseline', 'gap-register.removed', {
    register: (file) => forget(file, 'found-later'),
  }),
  drill('other-retired', 'a gap that is gone, and an entry for another', 'gap-register.removed', {
    register: (file) => forget(file, 'found-later'),
    retire: ['gap:regulated-serving'],
  }),
  drill(
    'retired-before',
    'a gap that is gone, and an entry older than the baseline',
    'gap-register.removed',
    {
      register: (file) => forget(file, 'found-later'),
      retire: ['gap:found-later'],
      retiredOn: '2001-02-02',
    },
  ),
  drill(
    'retired-for-another',
    'a gap that is gone since a baseline after the entry',
    'gap-register.removed',
    {
      register: (file) => forget(file, 'found-later'),
      baseline: ({ predicate }) => Object.assign(predicate.context, { now: Date.parse('2001-02-04') }),
      retire: ['gap:found-later'],
    },
  ),
  drill('less-severe', 'a gap that was more severe', 'gap-register.less-severe', {
    register: (file) => Object.assign(find(file, 'found-later'), { severity: 'P2' }),
  }),
  drill('word-gone', 'a gap that public text may call by its name again', 'gap-register.asks-for-less', {
    register: (file) => Object.assign(find(file, 'regulated-serving'), { words: [] }),
  }),
  drill('word-before', 'a gap that had one word more', 'gap-register.asks-for-less', {
    baseline: ({ predicate: { register } }) =>
      Object.assign(find(register, 'regulated-serving'), { words: ['a word', 'another'] }),
  }),
  drill('requirement-gone', 'a requirement that is gone', 'gap-register.asks-for-less', {
    register: (file) => find(file, 'regulated-serving').evidence_required.pop(),
  }),
  drill('other-drill', 'a shipped gap that names another drill than it did', 'gap-register.asks-for-less', {
    register: (file) =>
      Object.assign(find(file, 'tenant-isolation').evidence_required[0] ?? {}, {
        evidence: ['drill:acme/tenants/unrelated'],
      }),
  }),
  drill('redated', 'a gap that was found earlier than it says now', 'gap-register.redated', {
    register: (file) =>
      Object.assign(find(file, 'found-later'), { opened: '2001-02-04', reviewed: '2001-02-04' }),
  }),
  drill('called-conditional', 'an open gap that became conditional', 'gap-register.cheaper', {
    register: (file) => Object.assign(find(file, 'enterprise-auth-rbac'), { status: 'conditional' }),
  }),
  drill(
    'two-steps',
    'a gap that was called shipped, counted open, and is conditional now',
    'gap-register.cheaper',
    {
      baseline: ({ predicate: { register } }) =>
        Object.assign(find(register, 'regulated-serving'), {
          status: 'shipped',
          counted: 'open',
          penalty: 150,
        }),
    },
  ),
];

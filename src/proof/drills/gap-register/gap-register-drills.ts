// Registers that hide, forget or play down a gap.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OF_THE_DEPLOYMENT } from '../../../scorecard/gap-proof.ts';
import type { GapRegisterRequest } from '../../../scorecard/gap-register/gap-register-look.ts';
import { MANDATORY } from '../../../scorecard/register.ts';
import type { Drill } from '../../proof.ts';
import { baseline, CLOSED, drill, find, forget, type Gap, gap } from './sample-register.ts';

const MALFORMED = 'gap-register.malformed';

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

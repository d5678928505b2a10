// `guardrails explain ID`: what a guard, code, drill, probe, row, grade or gap is: what it proves, what refuses it, what to do,
// and the command that shows it.
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import * as z from 'zod';
import { CodedError } from '../evidence/coded-error.ts';
import { parseStrictJson } from '../evidence/strict-json.ts';
import { type Claims, parseClaims } from '../scorecard/claims.ts';
import { drillIds, proofOf } from '../scorecard/gap-proof.ts';
import { GRADE_MEANING, GRADE_MILLI, type Grade } from '../scorecard/grade.ts';
import { type Gap, parseRegister } from '../scorecard/register.ts';
import { OWN_CLAIMS } from './claims.ts';
import { OWN_REGISTER } from './scorecard.ts';
import { parseInput } from './state.ts';

/** What there is to say, a line for each key. */
export interface Explanation {
  readonly id: string;
  readonly kind: 'guard' | 'code' | 'drill' | 'mutant' | 'row' | 'grade' | 'gap';
  readonly proves: string;
  /** Codes, drills or gaps that stand against it or behind it. */
  readonly refusedBy: readonly string[];
  readonly remedy: string;
  /** Arguments of a command that shows it. */
  readonly replay: readonly string[];
}

const codesFile = z.object({
  codes: z.array(
    z.object({
      code: z.string(),
      remedy: z.string(),
      guards: z.array(z.string()),
      drills: z.array(z.string()),
      files: z.array(z.string()),
    }),
  ),
});
type Code = z.infer<typeof codesFile>['codes'][number];

/** All that ids are looked up in. */
interface Known {
  readonly claims: Claims;
  readonly gaps: readonly Gap[];
  readonly codes: readonly Code[];
}

const OWN_CODES = fileURLToPath(new URL('../../data/codes.json', import.meta.url));
const AS_SAID = 'Do what its message says.';

const drillOf = (name: string): readonly string[] => {
  const at = name.lastIndexOf('/');
  return ['guardrails', 'drill', name.slice(0, at), '--only', name.slice(at + 1)];
};

function ofGrade(id: string): Explanation | undefined {
  if (!(id in GRADE_MILLI)) return undefined;
  const grade = id as Grade;
  return {
    id,
    kind: 'grade',
    proves: `worth ${GRADE_MILLI[grade]} of 1000: ${GRADE_MEANING[grade]}`,
    refusedBy: [],
    remedy:
      grade === 'E4'
        ? 'Nothing.'
        : 'Run every drill with its mutants, here and now; `guardrails scorecard` says what keeps each row from E4.',
    replay: ['guardrails', 'drill', '--mutants', '--scorecard'],
  };
}

function ofRow(id: string, { claims }: Known): Explanation | undefined {
  const row = claims.dimensions.find((each) => each.id === id || each.letters === id);
  if (!row) return undefined;
  const rests = row.restsOn ? `; rests on what public text names: ${row.restsOn.join(', ')}` : '';
  return {
    id: row.id,
    kind: 'row',
    proves: `${row.label}: the weakest of ${row.probes.join(', ')}${rests}`,
    refusedBy: [],
    remedy: 'See what `guardrails scorecard` says of its weakest probe.',
    replay: ['guardrails', 'drill', ...row.probes, '--mutants'],
  };
}

function ofGuard(id: string, { claims, codes }: Known): Explanation | undefined {
  const claim = claims.claims.find(({ guard }) => guard === id);
  if (!claim) return undefined;
  const row = claims.dimensions.find(({ probes }) => probes.includes(id));
  const live = claim.live === undefined ? '' : `, and it is asked about the ${claim.live} itself`;
  return {
    id,
    kind: 'guard',
    proves: `${row?.label}: ${claim.drills.length} drills, ${claim.mutants.length} mutants${live}`,
    refusedBy: codes.filter(({ guards }) => guards.includes(id)).map(({ code }) => code),
    remedy: 'Explain the code that it refused with.',
    replay: ['guardrails', 'drill', id, '--mutants'],
  };
}

function ofCode(id: string, { codes }: Known): Explanation | undefined {
  const code = codes.find((each) => each.code === id);
  if (!code) return undefined;
  const [first] = code.drills;
  const from =
    code.guards.length > 0 ? `refused by ${code.guards.join(', ')}` : `raised in ${code.files.join(', ')}`;
  return {
    id,
    kind: 'code',
    proves: code.files.length + code.guards.length === 0 ? 'refused by the kernel, whatever the guard' : from,
    refusedBy: code.drills,
    remedy: code.remedy || AS_SAID,
    replay: first === undefined ? [] : drillOf(first),
  };
}

function ofDrill(id: string, { claims, codes }: Known): Explanation | undefined {
  for (const { guard, drills, mutants } of claims.claims) {
    if (!id.startsWith(`${guard}/`)) continue;
    const name = id.slice(guard.length + 1);
    const drill = drills.find((each) => each.id === name);
    if (drill)
      return {
        id,
        kind: 'drill',
        proves: drill.expects === 'allow' ? `${guard} allows this state` : `${guard} refuses this state`,
        refusedBy: drill.expects === 'allow' ? [] : [drill.expects],
        remedy: codes.find(({ code }) => code === drill.expects)?.remedy ?? 'Nothing: it is allowed.',
        replay: drillOf(id),
      };
    if (mutants.includes(name))
      return {
        id,
        kind: 'mutant',
        proves: `some drill of ${guard} notices that this is broken or gone`,
        refusedBy: drills.filter(({ expects }) => expects === name).map((each) => `${guard}/${each.id}`),
        remedy: 'Write a drill that comes out otherwise under it.',
        replay: ['guardrails', 'drill', guard, '--mutants'],
      };
  }
  return undefined;
}

function ofGap(id: string, { claims, gaps }: Known): Explanation | undefined {
  const gap = gaps.find((each) => each.id === id);
  if (!gap) return undefined;
  const proof = proofOf(gap, drillIds(claims));
  return {
    id,
    kind: 'gap',
    proves: `${gap.severity}, ${gap.status}, since ${gap.opened}: ${gap.surface}. ${gap.production_boundary}`,
    refusedBy: gap.evidence_required.map(
      ({ requirement, evidence }) => `${requirement}: ${evidence.join(', ') || 'shown by nothing yet'}`,
    ),
    remedy:
      typeof proof === 'string'
        ? `Name a live drill for each requirement (docs/gaps.md): ${proof}.`
        : `Keep ${proof.join(', ')} live.`,
    replay: typeof proof === 'string' ? [] : ['guardrails', 'drill', ...proof, '--mutants'],
  };
}

/** Returns what an id is, whatever kind of id. @throws CodedError `explain.unknown`. */
export function explain(given: string, known: Known): Explanation {
  const id = given.replace(/^(?:drill|gap|mutant|row):/, '');
  for (const look of [ofGrade, ofRow, ofGuard, ofCode, ofDrill, ofGap]) {
    const found = look(id, known);
    if (found) return found;
  }
  const names = [
    ...known.codes.map(({ code }) => code),
    ...known.claims.claims.flatMap(({ guard, drills }) => [
      guard,
      ...drills.map((each) => `${guard}/${each.id}`),
    ]),
    ...known.gaps.map((gap) => gap.id),
  ];
  const part = id.slice(0, 200).toLowerCase();
  const near = names
    .filter((name) => part !== '' && (name.includes(part) || part.includes(name)))
    .slice(0, 5);
  const remedy =
    near.length > 0
      ? `Did you mean ${near.join(', ')}?`
      : 'Name a guard, a code, GUARD/DRILL, a row, a grade (E0 to E4) or a gap: docs/reference/codes.md, guardrails claims.';
  throw new CodedError('explain.unknown', 'nothing here has that name', remedy);
}

const parseCodes = (bytes: Uint8Array): readonly Code[] =>
  codesFile.parse(parseStrictJson(bytes, { maxBytes: 4_194_304, maxDepth: 8 })).codes;

function textOf({ id, kind, proves, refusedBy, remedy, replay }: Explanation): string {
  const against = {
    guard: 'refuses with',
    code: 'shown by',
    drill: 'refused with',
    mutant: 'noticed by',
    row: '',
    grade: '',
    gap: 'closed by',
  }[kind];
  return [
    `${id} (${kind})`,
    `  ${proves}`,
    ...(refusedBy.length > 0 ? [`  ${against}:`, ...refusedBy.map((each) => `    ${each}`)] : []),
    `  to do: ${remedy}`,
    ...(replay.length > 0 ? [`  see it: ${replay.join(' ')}`] : []),
    ...(replay.includes('--only')
      ? ['  one drill alone leaves its guard at E0 until all are drilled again']
      : []),
    '',
  ].join('\n');
}

export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description(
      'say what a guard, code, drill, row, grade or gap is, what to do, and which command shows it',
    )
    .argument('<id>', 'such as bind, bind.wildcard, bind/star, RG, E3, tenant-isolation')
    .option('--json', 'print one line of JSON')
    .action(async (id: string, { json }: { readonly json?: boolean }) => {
      const found = explain(id, {
        claims: await parseInput(OWN_CLAIMS, parseClaims),
        gaps: await parseInput(OWN_REGISTER, (bytes) => parseRegister(bytes).gaps),
        codes: await parseInput(OWN_CODES, parseCodes),
      });
      process.stdout.write(json ? `${JSON.stringify(found)}\n` : textOf(found));
    });
}

// Guards the belief in a journal: only what a pinned key sealed, on the host it is pinned for, whole and in order. The
// verifier finds what is wrong; each kind of problem is a rule here, so that drills prove the verifier itself.
import * as z from 'zod';
import { CodedError } from '../../evidence/coded-error.ts';
import { readJournal } from '../../evidence/journal-files.ts';
import { parseNoteKey } from '../../evidence/note-key.ts';
import type { Pin } from '../../evidence/pin.ts';
import type { EvidenceRecord } from '../../evidence/record.ts';
import type { JournalProblem } from '../../evidence/scan.ts';
import type { JournalVerdict } from '../../evidence/verdict.ts';
import { verifyJournal } from '../../evidence/verify-native.ts';
import { deepFreeze } from '../../kernel/deep-freeze.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { absolutePath } from '../../kernel/request-parts.ts';

export interface JournalRequest {
  /** Absolute path of the directory that holds the files of lines and the checkpoint. */
  readonly directory: string;
  /** Whom to believe, for which machine, and when. */
  readonly pins: readonly Pin[];
  /** An earlier checkpoint of this journal, as text, kept where its writer cannot reach: shows rollback. */
  readonly previous?: string | undefined;
}

/** Either the verdict, or the problem that kept the verifier from giving one. */
export interface JournalFacts {
  readonly problems: readonly JournalProblem[];
  readonly verdict: JournalVerdict | undefined;
}

const journalRequest: z.ZodType<JournalRequest> = z.strictObject({
  directory: absolutePath,
  pins: z
    .array(
      z.strictObject({
        vkey: z.string().max(1_024),
        host: z.string().min(1).max(200),
        machine: z.string().min(1).max(200).optional(),
        notBefore: z.iso.datetime().optional(),
        notAfter: z.iso.datetime().optional(),
        revoked: z.iso.datetime().optional(),
      }),
    )
    .min(1)
    .max(64),
  previous: z.string().max(65_536).optional(),
});

const TAMPERED = 'Treat the journal as tampered with; compare it with a copy from another machine.';
const KEEP = 'Keep the directory as it is for investigation, and start a new journal.';
const PREVIOUS =
  'Take the previous checkpoint from where you keep your copies, and pin the key that signed it.';

/** What the verifier may report, and what the operator does next. The order is that of the headlines. */
const PROBLEMS: Readonly<Record<string, string>> = {
  'journal.unreadable':
    'Name a directory that holds journal-*.jsonl, plain files that this process may read.',
  'journal.bad-pin': 'Pin the whole verifier key, name+hash+key, as the other host shows it.',
  'checkpoint.malformed':
    'Restore the checkpoint from a copy; without it the journal cannot prove its length.',
  'checkpoint.bad-signature': TAMPERED,
  'checkpoint.unpinned': PREVIOUS,
  'journal.not-a-record': TAMPERED,
  'journal.out-of-order': TAMPERED,
  'journal.broken-chain': TAMPERED,
  'journal.duplicate-id': TAMPERED,
  'journal.torn-tail': 'Open the journal with its key once: that sets the torn tail aside and records it.',
  'journal.missing-segment': TAMPERED,
  'journal.missing-lines': TAMPERED,
  'journal.rewritten': TAMPERED,
  'journal.foreign-origin': PREVIOUS,
  'journal.rolled-back':
    'Treat the journal as tampered with; compare it with a copy from another machine. One that was begun anew on purpose needs a key of its own.',
  'journal.wrong-producer': 'Pin the key for the host that holds it; if it is, that key was used elsewhere.',
  'journal.outside-validity':
    'Pin the key for the time in which it was used; if it was not, somebody else has used it.',
};

const sentence = ({ line, message }: JournalProblem): string =>
  line === undefined ? message : `line ${line} ${message}`;

const rules: readonly Rule<JournalFacts>[] = [
  ...Object.entries(PROBLEMS).map(([code, remedy]) => ({
    code,
    remedy,
    refuses: ({ problems }: JournalFacts) => {
      const problem = problems.find((candidate) => candidate.code === code);
      return problem ? sentence(problem) : false;
    },
  })),
  {
    code: 'journal.unsigned',
    remedy: 'Open the journal with a signer; if it had a checkpoint, it was removed: compare it with a copy.',
    refuses: ({ verdict }) => (verdict?.key === 'unsigned' ? 'the journal has no checkpoint' : false),
  },
  {
    code: 'journal.unpinned',
    remedy: 'Pin the key only after its owner has shown it to you by another way than this journal.',
    refuses: ({ verdict }) =>
      verdict?.key === 'unpinned' ? 'the checkpoint is signed by no key that is pinned here' : false,
  },
  {
    code: 'journal.revoked',
    remedy:
      'Pin the key that followed the revoked one. What was sealed before counts where a pinned witness, or a checkpoint that was seen then, shows it.',
    refuses: ({ verdict }) =>
      verdict?.key === 'revoked' ? 'the checkpoint is signed by a key that is revoked' : false,
  },
  {
    code: 'journal.unsealed',
    remedy: `Let the writer seal the journal. Lines that were adopted after a crash stay unbelievable: ${KEEP}`,
    refuses: ({ verdict }) => {
      const open = verdict?.lines.find(({ sealed }) => !sealed);
      return open ? `line ${open.line} may be anybody's: no checkpoint covered it when it was found` : false;
    },
  },
];

/** What is wrong with a pin, and which one it is; the key itself is not repeated. */
function badPin({ vkey }: Pin, index: number): readonly JournalProblem[] {
  try {
    parseNoteKey(vkey);
    return [];
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return [{ code: 'journal.bad-pin', message: `pin ${index + 1}: ${error.message}` }];
  }
}

async function observe(
  { directory, pins, previous }: JournalRequest,
  signal: AbortSignal,
): Promise<JournalFacts> {
  const problems = pins.flatMap(badPin);
  if (problems.length > 0) return { problems, verdict: undefined };
  try {
    const files = await readJournal(directory);
    const verdict = await verifyJournal(files, { pins, previous, signal });
    return { problems: verdict.problems, verdict };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message } = error;
    const about = code === 'journal.unreadable' ? '' : 'of the previous checkpoint: ';
    return { problems: [{ code, message: `${about}${message}` }], verdict: undefined };
  }
}

/**
 * Looks, and throws where the verifier says no and no rule here knows why: a guard that knows less than its verifier
 * must refuse, not overlook.
 *
 * @throws CodedError `journal.unknown-problem`.
 */
export async function observeJournal(request: JournalRequest, signal: AbortSignal): Promise<JournalFacts> {
  const facts = await observe(request, signal);
  if (facts.verdict?.ok || rules.some((rule) => rule.refuses(facts) !== false)) return facts;
  const remedy = 'Report this: the verifier found a problem that the guard has no rule for.';
  throw new CodedError('journal.unknown-problem', 'the journal has a problem that is unknown here', remedy);
}

/** A journal that may be believed: every line sealed by a pinned key before anybody else could have added it. */
export class VerifiedJournal {
  readonly #records: readonly EvidenceRecord[];
  /** Names the journal: the host and the key that wrote it. */
  readonly origin: string;
  /** Number of records. */
  readonly size: number;
  /** RFC 6962 root over all lines, hex: with `origin` and `size`, all that a checkpoint says. */
  readonly root: string;

  constructor(origin: string, root: string, records: readonly EvidenceRecord[]) {
    this.#records = deepFreeze(records);
    this.origin = origin;
    this.size = records.length;
    this.root = root;
    Object.freeze(this);
  }

  /** In the order of the journal; frozen to the bottom. */
  get records(): readonly EvidenceRecord[] {
    return this.#records;
  }
}

function grant({ verdict }: JournalFacts): VerifiedJournal {
  if (!verdict?.ok || verdict.origin === undefined) throw new TypeError('a grant needs a verified journal');
  const records = verdict.lines.map(({ record }) => record);
  return new VerifiedJournal(verdict.origin, verdict.root, records);
}

/** Grants a {@link VerifiedJournal} when nothing speaks against any of its lines. */
export const evidenceJournal: Guard<JournalRequest, VerifiedJournal> = defineHouseGuard({
  id: 'journal',
  dimension: 'architecture_runtime_guardrails',
  request: journalRequest,
  observe: observeJournal,
  rules,
  grant,
  // The origin is whatever the checkpoint says, so it names the journal only where a pinned key said it.
  subject: ({ verdict }) => ({
    kind: 'journal',
    ...(verdict?.key === 'pinned' ? { name: verdict.origin } : {}),
    ...(verdict ? { digest: `sha256:${verdict.root}` } : {}),
  }),
});

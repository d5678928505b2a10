// Guards the step back into work after a crash or beside another writer: nothing is built on a state that moved, a log that
// was cut, a bundle that is not complete, or settings of another version. It repairs nothing; `repair.ts` does, when asked.
import * as z from 'zod';
import { hex64 } from '../../evidence/hex64.ts';
import { distrust } from '../../files/rules.ts';
import { defineHouseGuard } from '../../kernel/define.ts';
import type { Guard, Rule } from '../../kernel/guard.ts';
import { path } from '../../kernel/request-parts.ts';
import { observeRecovery, type RecoveryFacts, type RecoveryRequest } from './recovery-look.ts';

/** What may be built on. */
export interface RecoveredState {
  readonly kind: RecoveryRequest['kind'];
  /** SHA-256 of each file that was looked at, by its path. */
  readonly files: Readonly<Record<string, string>>;
}

const recoveryRequest: z.ZodType<RecoveryRequest> = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('state'),
    root: path,
    file: path,
    revision: hex64,
  }),
  z.strictObject({ kind: z.literal('log'), root: path, file: path }),
  z.strictObject({ kind: z.literal('bundle'), root: path, directory: path }),
  z.strictObject({ kind: z.literal('settings'), settings: z.unknown() }),
]);

const rules: readonly Rule<RecoveryFacts>[] = [
  {
    // Before trust: what was never published is not there to be trusted.
    code: 'recovery.incomplete',
    remedy:
      'Publish it again under its name: what an interrupted publisher left is a .staging directory that nobody reads.',
    refuses: ({ bundle }) => bundle?.complete === false && 'the bundle was not published to its end',
  },
  {
    code: 'recovery.untrusted',
    remedy: 'Keep these as plain files that this user and root alone may write, below a root that is.',
    refuses: ({ files, place }) => {
      const looks = [...(place ? [place] : []), ...files.map(({ facts }) => facts)];
      const why = looks.map(distrust).find((found) => found !== false);
      return typeof why === 'string' && `a file is not to be believed: ${why}`;
    },
  },
  {
    code: 'recovery.state-malformed',
    remedy:
      'Restore the state; it is JSON without floats, whose revision Python and this package compute alike.',
    refuses: ({ revision, files }) =>
      revision !== undefined &&
      revision.found === undefined &&
      files.every(({ facts }) => distrust(facts) === false) &&
      'the state is no strict JSON',
  },
  {
    code: 'recovery.stale-writer',
    remedy: 'Read the state again and decide anew: another session has written since.',
    refuses: ({ revision }) =>
      revision?.found !== undefined &&
      revision.found !== revision.expected &&
      'the state is of another revision than the one that was read',
  },
  {
    code: 'recovery.partial-tail',
    remedy: 'Set the tail aside (quarantineTail), keep its bytes, and append after it.',
    refuses: ({ log }) => log?.whole === false && 'the log ends in the middle of a line',
  },
  {
    code: 'recovery.log-malformed',
    remedy: 'Restore the log from its copy; lines that are missing or stand twice cannot be made up.',
    refuses: ({ log }) =>
      log?.inOrder === false && 'a line of the log is no JSON object with the next number',
  },
  {
    code: 'recovery.tampered',
    remedy: 'Take the bundle from where it was published; one that was changed is not made whole.',
    refuses: ({ bundle }) =>
      bundle?.complete === true && !bundle.matches && 'the bundle is not what its completion states',
  },
  {
    code: 'recovery.settings-version',
    remedy: 'Use the version of AGILAB that wrote the settings, or let it write them anew.',
    refuses: ({ settings }) =>
      settings?.version === 'another' && 'the settings are of an unsupported version',
  },
  {
    code: 'recovery.settings-conflict',
    remedy: 'Keep args.stages, and take out args.args, which it replaced.',
    refuses: ({ settings }) =>
      settings?.conflict === true && 'the settings hold both the old and the new form of a run',
  },
];

function grant({ kind, files }: RecoveryFacts): RecoveredState {
  const digests = files.flatMap(({ path: name, facts }): [string, string][] =>
    facts.digest === undefined ? [] : [[name, facts.digest]],
  );
  return Object.freeze({ kind, files: Object.freeze(Object.fromEntries(digests)) });
}

/** Grants a {@link RecoveredState}. */
export const recovery: Guard<RecoveryRequest, RecoveredState> = defineHouseGuard({
  id: 'recovery',
  dimension: 'architecture_runtime_guardrails',
  request: recoveryRequest,
  observe: observeRecovery,
  rules,
  grant,
  method: ({ files, place }) => place?.method ?? files[0]?.facts.method ?? 'none',
});

// Go or no-go: the guards that a profile demands are asked, one record each, and one that is not asked where it is demanded counts
// as refused. Nothing is decided here beside that.
import { guardNamed } from '../catalogue.ts';
import type { EvidenceSink } from '../evidence/record.ts';
import { type Answer, answerTo } from '../serve/answer.ts';
import { CHECKS, type Check, type Profile } from './profiles.ts';

export interface GateRequest {
  readonly profile: Profile;
  /** What the environment file and the environment say. */
  readonly settings: Readonly<Record<string, string>>;
  /** A request for each guard that is to be asked, by its id. */
  readonly requests: Readonly<Record<string, unknown>>;
}

export interface CheckResult {
  readonly id: string;
  readonly label: string;
  /** `not-asked`: nobody gave a request, and the profile demands none. */
  readonly status: 'pass' | 'fail' | 'not-asked';
  readonly reason: string;
  readonly remedy: string;
  readonly codes: readonly string[];
  /** Ids of the records in the journal. */
  readonly evidence: readonly string[];
}

export interface GateResult {
  readonly profile: Profile;
  readonly decision: 'go' | 'no-go';
  readonly checks: readonly CheckResult[];
}

/** Where a request must speak of what the settings name: another directory proves nothing of this one. */
const NAMED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'cluster-share': { share: 'AGI_CLUSTER_SHARE', local: 'AGI_LOCAL_SHARE' },
  'external-app': { root: 'APPS_REPOSITORY' },
};
/** Reports on packages are as fresh as AGILAB asks for. */
const MAX_AGE_DAYS = 30;

/** What a request leaves out, so that its answer proves nothing here. */
function leftOut(guard: string, asked: unknown, settings: GateRequest['settings']): string | undefined {
  const request = asked as Readonly<Record<string, unknown>> | null;
  if (guard === 'supply-chain') {
    const { reports, maxAgeDays } = request ?? {};
    const isFresh = reports !== 'none' && !(Number(maxAgeDays) > MAX_AGE_DAYS);
    return isFresh ? undefined : `with reports of the last ${MAX_AGE_DAYS} days`;
  }
  const fields = Object.entries(NAMED[guard] ?? {});
  const [, name] =
    fields.find(([field, variable]) => {
      const named = settings[variable] ?? '';
      return named !== '' && request?.[field] !== named;
    }) ?? [];
  return name && `about what ${name} names`;
}

/** The remaining requests of a file, so that nothing that was asked for goes unanswered. */
function checksFor({ requests }: GateRequest): readonly Check[] {
  const known = new Set(CHECKS.flatMap(({ guards }) => guards));
  const more = Object.keys(requests).filter((guard) => !known.has(guard));
  return [
    ...CHECKS,
    ...more.map((guard) => ({
      id: guard.replaceAll('-', '_'),
      label: guard,
      guards: [guard],
      demanded: () => true,
      remedy: '',
    })),
  ];
}

/**
 * Asks every guard that has a request. A guard that is demanded and has none is a failure.
 *
 * @throws CodedError `guard.unknown`, and what the journal throws.
 */
export async function askGate(
  request: GateRequest,
  options: { readonly journal: EvidenceSink; readonly signal?: AbortSignal },
): Promise<GateResult> {
  const { profile, settings, requests } = request;
  const checks: CheckResult[] = [];
  for (const { id, label, guards, demanded, remedy } of checksFor(request)) {
    const answers: Answer[] = [];
    const missing: string[] = [];
    for (const guard of guards) {
      const asked = requests[guard];
      if (asked === undefined) missing.push(guard);
      else {
        const open = leftOut(guard, asked, settings);
        if (open === undefined) answers.push(await answerTo(await guardNamed(guard), asked, options));
        else missing.push(`${guard} ${open}`);
      }
    }
    const refused = answers.find(({ decision }) => decision !== 'allow');
    const isDemanded = demanded(profile, settings) || missing.some((what) => what.includes(' '));
    const evidence = answers.flatMap((answer) => answer.evidence ?? []);
    const codes = answers.flatMap((answer) => answer.codes);
    const result = { id, label, codes, evidence };
    if (refused) checks.push({ ...result, status: 'fail', reason: refused.reason, remedy: refused.remedy });
    else if (missing.length === 0)
      checks.push({ ...result, status: 'pass', reason: 'every guard allowed it', remedy: '' });
    else if (isDemanded)
      checks.push({
        ...result,
        status: 'fail',
        codes: ['gate.not-asked'],
        reason: `nobody asked ${missing.join(', ')}`,
        remedy,
      });
    else checks.push({ ...result, status: 'not-asked', reason: `${profile} does not demand it`, remedy: '' });
  }
  const decision = checks.some(({ status }) => status === 'fail') ? 'no-go' : 'go';
  return { profile, decision, checks };
}

// A guard over this deployment is asked about it in earnest: what its drills show it to tell apart, it must find sound here.
import { packageDigest } from '../evidence/package-digest.ts';
import type { Subject } from '../evidence/record.ts';
import type { AnyDefinition } from '../kernel/define.ts';
import { DrillUnavailable, type Live, type LiveSite } from './proof.ts';
import { type Run, type RunOptions, runDrill } from './run.ts';

/** A live probe with the state directory of the host that it runs on. */
export type LiveHere = Live<unknown> & Pick<LiveSite, 'state'>;

/** Returns the live probe of a guard that is asked about this very package. */
export function aboutThisPackage<Request>(build: Live<Request>['build']): Live<Request> {
  return { subject: 'package', digest: async () => packageDigest(), build };
}

/**
 * Asks the guard about its real subject. The digest is taken before the look: who changes the subject afterwards has
 * another one when the score is made.
 */
export async function runLive(
  guard: AnyDefinition,
  live: LiveHere,
  options: RunOptions,
): Promise<{ readonly run: Run; readonly subject: Subject }> {
  let digest: string | undefined;
  const run = await runDrill(
    guard,
    {
      build: async (site) => {
        digest = await live.digest();
        if (digest === undefined)
          throw new DrillUnavailable(`Run it where the ${live.subject} lies in files of its own.`);
        return await live.build({ ...site, state: live.state });
      },
    },
    options,
  );
  return {
    run,
    subject: { kind: live.subject, ...(digest === undefined ? {} : { digest: `sha256:${digest}` }) },
  };
}

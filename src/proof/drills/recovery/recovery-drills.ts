// What crashes and other sessions leave behind. Writers are real processes that are really killed.
import { appendFile, chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../evidence/sha256.ts';
import { publishDirectory } from '../../../files/publish-directory.ts';
import { revisionOf } from '../../../guards/recovery/python-json.ts';
import type { RecoveryRequest } from '../../../guards/recovery/recovery-look.ts';
import { quarantineTail, swapState } from '../../../guards/recovery/repair.ts';
import type { Drill } from '../../proof.ts';
import { APPENDS, crash, REPLACES, STAGES } from './crashes.ts';

function drill(
  id: string,
  fault: string,
  expects: string,
  build: (root: string) => Promise<RecoveryRequest>,
): Drill<RecoveryRequest> {
  return {
    id,
    fault,
    expects,
    build: async (site) => {
      site.random('COPY', /(?<=\.partial\.)[0-9a-f]{16}/g);
      return build(site.directory);
    },
  };
}

const STATE = { session: 'a', stages: ['load', 'train'], step: 1 };
const NEXT = { ...STATE, step: 2 };
const text = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** A state that this session has read, after `meanwhile`. */
const state =
  (meanwhile: (path: string) => Promise<unknown>) =>
  async (root: string): Promise<RecoveryRequest> => {
    const path = join(root, 'runner_state.json');
    await writeFile(path, text(STATE), { mode: 0o600 });
    const revision = revisionOf(STATE);
    const swapped: unknown = await meanwhile(path);
    return {
      kind: 'state',
      root,
      file: 'runner_state.json',
      revision: typeof swapped === 'string' ? swapped : revision,
    };
  };

const EVENT = (seq: number): string => `${JSON.stringify({ seq, event: 'step', at: 1.5 })}\n`;
/** A log of one event, after `meanwhile`. */
const log =
  (meanwhile: (path: string) => Promise<unknown>) =>
  async (root: string): Promise<RecoveryRequest> => {
    const path = join(root, 'agent_events.ndjson');
    await writeFile(path, EVENT(1), { mode: 0o600 });
    await meanwhile(path);
    return { kind: 'log', root, file: 'agent_events.ndjson' };
  };

const FILES = {
  'workflow_run_manifest.json': text({ version: 4 }),
  'evidence_ledger.json': text({ entries: [] }),
};
const COMPLETE = {
  schema_version: 1,
  kind: 'agilab.workflow_evidence.complete',
  manifest_id: 'run-1',
  files: Object.fromEntries(Object.entries(FILES).map(([name, content]) => [name, sha256Hex(content)])),
};
const publish = (root: string): Promise<void> =>
  publishDirectory({
    path: join(root, 'run-1'),
    files: { ...FILES, '.complete.json': text(COMPLETE) },
    pointer: { path: join(root, 'latest_workflow_evidence.json'), content: text({ manifest_id: 'run-1' }) },
  });
const BUNDLE = (root: string): RecoveryRequest => ({ kind: 'bundle', root, directory: 'run-1' });
/** A publisher that was killed between its first file and its second. */
const interrupt = (root: string): Promise<void> =>
  crash(
    STAGES,
    join(root, '.run-1.0123456789abcdef.staging'),
    'workflow_run_manifest.json',
    FILES['workflow_run_manifest.json'],
  );
/** A published bundle, after `tamper`. */
const bundle =
  (tamper: (at: string) => Promise<unknown>) =>
  async (root: string): Promise<RecoveryRequest> => {
    await publish(root);
    await tamper(join(root, 'run-1'));
    return BUNDLE(root);
  };

const settings = (content: unknown) => async (): Promise<RecoveryRequest> => ({
  kind: 'settings',
  settings: content,
});

export const recoveryDrills: readonly Drill<RecoveryRequest>[] = [
  drill(
    'state-read',
    'none: the state is the one that was read',
    'allow',
    state(async () => undefined),
  ),
  drill(
    'state-swapped',
    'none: swapped for the one that was read',
    'allow',
    state((path) => swapState(path, revisionOf(STATE), NEXT)),
  ),
  drill(
    'stale-writer',
    'another session wrote, and was killed before it told anybody',
    'recovery.stale-writer',
    state((path) => crash(REPLACES, path, text(NEXT))),
  ),
  drill(
    'stale-swap',
    'a swap by a writer that has not seen the one before',
    'recovery.stale-writer',
    state(async (path) => {
      await swapState(path, revisionOf(STATE), NEXT);
      const late = await swapState(path, revisionOf(STATE), { ...STATE, session: 'b' }).catch(
        () => undefined,
      );
      return late; // none: the state that was written stays, and this session still holds the old revision
    }),
  ),
  drill(
    'state-float',
    'a state whose revision two languages compute differently',
    'recovery.state-malformed',
    state((path) => writeFile(path, '{"step": 1.0}')),
  ),
  drill(
    'state-torn',
    'half a state',
    'recovery.state-malformed',
    state((path) => writeFile(path, text(STATE).slice(0, 20))),
  ),
  drill(
    'state-open',
    'a state that everybody may write',
    'recovery.untrusted',
    state((path) => chmod(path, 0o666)),
  ),

  drill(
    'log-whole',
    'none: a log of whole lines',
    'allow',
    log((path) => appendFile(path, EVENT(2))),
  ),
  drill(
    'partial-tail',
    'a writer killed in the middle of a line',
    'recovery.partial-tail',
    log((path) => crash(APPENDS, path, '{"partial"')),
  ),
  drill(
    'tail-quarantined',
    'none: what the dead writer left was set aside, and the next line follows',
    'allow',
    log(async (path) => {
      await crash(APPENDS, path, '{"partial"');
      const aside = await quarantineTail(path);
      if (aside === undefined || (await readFile(aside, 'utf8')) !== '{"partial"')
        throw new Error('the tail was not kept');
      await appendFile(path, EVENT(2));
    }),
  ),
  drill(
    'line-glued',
    'a line appended to half of another',
    'recovery.log-malformed',
    log(async (path) => {
      await crash(APPENDS, path, '{"partial"');
      await appendFile(path, EVENT(2));
    }),
  ),
  drill(
    'line-lost',
    'a line that is missing',
    'recovery.log-malformed',
    log((path) => appendFile(path, EVENT(3))),
  ),
  drill(
    'line-twice',
    'a line that stands twice',
    'recovery.log-malformed',
    log((path) => appendFile(path, EVENT(1))),
  ),

  drill(
    'published',
    'none: a bundle that was published',
    'allow',
    bundle(async () => {}),
  ),
  drill(
    'publish-interrupted',
    'a publisher killed between two files',
    'recovery.incomplete',
    async (root) => {
      await interrupt(root);
      return BUNDLE(root);
    },
  ),
  drill('publish-retried', 'none: published again after that', 'allow', async (root) => {
    await interrupt(root);
    await publish(root);
    return BUNDLE(root);
  }),
  drill(
    'completion-missing',
    'a bundle without its completion',
    'recovery.incomplete',
    bundle((at) => rm(join(at, '.complete.json'))),
  ),
  drill(
    'bundle-tampered',
    'a manifest that was edited after it was published, by who was killed before the completion fitted it',
    'recovery.tampered',
    bundle((at) => crash(REPLACES, join(at, 'workflow_run_manifest.json'), text({ version: 5 }))),
  ),
  drill(
    'bundle-file-added',
    'a file that the completion does not name',
    'recovery.tampered',
    bundle((at) => writeFile(join(at, 'more.json'), '{}', { mode: 0o600 })),
  ),
  drill(
    'bundle-of-nothing',
    'a completion that states no file, with none there',
    'recovery.tampered',
    bundle(async (at) => {
      for (const name of Object.keys(COMPLETE.files)) await rm(join(at, name));
      await writeFile(join(at, '.complete.json'), text({ ...COMPLETE, files: {} }));
    }),
  ),
  drill(
    'bundle-file-missing',
    'a file that the completion names is gone',
    'recovery.tampered',
    bundle((at) => rm(join(at, 'evidence_ledger.json'))),
  ),
  drill(
    'completion-moved',
    'the completion of another bundle',
    'recovery.tampered',
    bundle((at) => writeFile(join(at, '.complete.json'), text({ ...COMPLETE, manifest_id: 'run-2' }))),
  ),
  drill(
    'completion-edited',
    'a completion with a key of its own',
    'recovery.tampered',
    bundle((at) => writeFile(join(at, '.complete.json'), text({ ...COMPLETE, approved: true }))),
  ),
  drill(
    'bundle-open',
    'a bundle into which everybody may write',
    'recovery.untrusted',
    bundle((at) => chmod(at, 0o777)),
  ),
  drill(
    'bundle-directory',
    'a directory in place of a file',
    'recovery.tampered',
    bundle(async (at) => {
      await rm(join(at, 'evidence_ledger.json'));
      await mkdir(join(at, 'evidence_ledger.json'), { mode: 0o700 });
    }),
  ),

  drill(
    'settings',
    'none: settings of this version',
    'allow',
    settings({ __meta__: { schema: 'agilab.app_settings.v1', version: 1 }, args: { stages: [] } }),
  ),
  drill(
    'settings-unnamed',
    'none: settings of this version, which name no schema',
    'allow',
    settings({ __meta__: { version: 1 } }),
  ),
  drill(
    'settings-schema',
    'settings of another schema, which say this version',
    'recovery.settings-version',
    settings({ __meta__: { schema: 'agilab.app_settings.v2', version: 1 } }),
  ),
  drill(
    'settings-version',
    'settings of a version to come',
    'recovery.settings-version',
    settings({ __meta__: { version: 999 } }),
  ),
  drill('settings-no-table', 'settings that are no table', 'recovery.settings-version', settings([])),
  drill(
    'settings-conflict',
    'a run in the old form and in the new one',
    'recovery.settings-conflict',
    settings({ args: { args: [], stages: [] } }),
  ),
];

// Ways to get between a model file and its reader, each built for real. None needs root: where only root can give a
// file away, everyone else asks the guard to believe root alone, and their own file is then the foreign one.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, link, mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { CapacityModelRequest } from '../../../capacity/capacity-model.ts';
import { MAX_SIDECAR_BYTES } from '../../../capacity/sidecar.ts';
import { hollowOut } from '../../hollow-file.ts';
import { type Drill, type DrillSite, DrillUnavailable } from '../../proof.ts';
import { giveAway, mkfifo, moveOut, SOMEBODY_ELSE, strangers } from './drill-files.ts';
import { drill, type Laid, MODEL, type Request } from './drill-site.ts';

const run = promisify(execFile);
/** Lets a second process write to a file, again and again until the drill ends. */
async function writeMeanwhile({ root, site }: Laid, path: string): Promise<void> {
  // Long enough to read that the other process gets its turn even on one busy core.
  await hollowOut(join(root, MODEL), 48 * 1024 * 1024);
  const script =
    'const fs = require("node:fs"); const fd = fs.openSync(process.argv[1], "r+"); let n = 0;' +
    'const touch = () => { for (let i = 0; i < 99; i++) fs.futimesSync(fd, 1, ++n); setImmediate(touch); };' +
    'touch(); process.stdout.write("writing\\n");';
  const writer = spawn(process.execPath, ['-e', script, path], { stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = once(writer, 'exit');
  site.onCleanup(async () => {
    writer.kill('SIGKILL');
    await gone;
  });
  await Promise.race([
    once(writer.stdout, 'data'),
    gone.then(() => {
      throw new Error('the writer ended');
    }),
  ]);
}

/** Lets a named user write a file by an ACL, or by the mode bits that such an ACL would show. */
async function letSomebodyWrite(path: string, site: DrillSite): Promise<void> {
  await chmod(path, 0o644);
  await run('setfacl', ['-m', `u:${SOMEBODY_ELSE}:rw`, path]).catch(async () => {
    await chmod(path, 0o664);
    site.fallBack('mode bits, for want of setfacl');
  });
}

const onLinux = (request: Request) => (): Request => {
  if (process.platform === 'linux') return request;
  throw new DrillUnavailable('Run on Linux: the drill reads a file of procfs.');
};

export const fileDrills: readonly Drill<CapacityModelRequest>[] = [
  drill('sealed', 'none: a sealed model', 'allow'),
  drill('read-only', 'none: nobody may write', 'allow', async ({ root, model, sidecar, site }) => {
    await Promise.all([chmod(model, 0o444), chmod(sidecar, 0o444), chmod(root, 0o555)]);
    site.onCleanup(() => chmod(root, 0o700));
  }),
  drill('below', 'none: the model lies in a directory below the root', 'allow', undefined, ({ root }) => ({
    root: join(root, '..'),
    model: `models/${MODEL}`,
  })),

  drill('dot-dot', 'the path leaves the root and comes back', 'model.outside-root', undefined, {
    model: `../models/${MODEL}`,
  }),
  drill('model-symlink', 'the model is a link to a file outside', 'model.symlink', ({ model }) =>
    moveOut(model, symlink),
  ),
  drill(
    'directory-symlink',
    'a directory on the path is a link',
    'model.symlink',
    ({ root }) => symlink(root, join(root, 'link')),
    { model: `link/${MODEL}` },
  ),
  drill(
    'root-symlink',
    'the root is a link',
    'model.symlink',
    ({ root }) => symlink(root, `${root}-link`),
    ({ root }) => ({ root: `${root}-link` }),
  ),
  drill('model-fifo', 'the model is a FIFO that nobody writes to', 'model.not-regular', ({ model }) =>
    mkfifo(model),
  ),
  drill('model-directory', 'the model is a directory', 'model.not-regular', async ({ model }) => {
    await rm(model);
    await mkdir(model, { mode: 0o700 });
  }),
  drill(
    'model-foreign',
    'another user owns the model',
    'model.foreign-owner',
    async ({ model, sidecar }) => {
      await rm(sidecar);
      await giveAway(model);
    },
    strangers,
  ),
  drill('model-0666', 'everybody may write the model', 'model.world-writable', ({ model }) =>
    chmod(model, 0o666),
  ),
  drill('model-0664', 'a group may write the model', 'model.group-writable', ({ model }) =>
    chmod(model, 0o664),
  ),
  drill('model-acl', 'an ACL lets a user write the model', 'model.group-writable', ({ model, site }) =>
    letSomebodyWrite(model, site),
  ),
  drill('model-hard-link', 'the model is a file outside by another name', 'model.hard-linked', ({ model }) =>
    moveOut(model, link),
  ),
  drill(
    'directory-foreign',
    'another user owns the directory',
    'model.foreign-directory',
    async ({ root, model, sidecar }) => {
      await Promise.all([rm(model), rm(sidecar)]);
      await giveAway(root);
    },
    strangers,
  ),
  drill('directory-0777', 'everybody may write to the root', 'model.writable-directory', ({ root }) =>
    chmod(root, 0o777),
  ),
  drill('directory-sticky', 'everybody may add to the root', 'model.writable-directory', ({ root }) =>
    chmod(root, 0o1777),
  ),
  drill('ancestor-0777', 'everybody may replace the root', 'model.writable-ancestor', ({ root }) =>
    chmod(join(root, '..'), 0o777),
  ),
  drill(
    'other-device',
    'the file lies on a file system mounted below the root',
    'model.other-device',
    undefined,
    onLinux({ root: '/', model: 'proc/version' }),
  ),
  drill('model-huge', 'the model is larger than any real one', 'model.too-large', ({ model }) =>
    hollowOut(model, 64 * 1024 * 1024 + 1),
  ),
  drill(
    'model-longer',
    'the file holds more than its size says',
    'model.changed-while-read',
    undefined,
    onLinux({ root: '/proc', model: 'version' }),
  ),
  drill('model-written', 'a second process writes the model in place', 'model.changed-while-read', (laid) =>
    writeMeanwhile(laid, laid.model),
  ),
  drill('model-missing', 'there is no model', 'model.missing', ({ model }) => rm(model)),
  drill('not-a-directory', 'a file stands where a directory should', 'model.missing', undefined, {
    model: `${MODEL}/${MODEL}`,
  }),

  drill('sidecar-symlink', 'the sidecar is a link to a file outside', 'sidecar.symlink', ({ sidecar }) =>
    moveOut(sidecar, symlink),
  ),
  drill('sidecar-fifo', 'the sidecar is a FIFO', 'sidecar.not-regular', ({ sidecar }) => mkfifo(sidecar)),
  drill(
    'sidecar-foreign',
    'another user owns the sidecar',
    'sidecar.foreign-owner',
    ({ sidecar }) => giveAway(sidecar),
    strangers,
  ),
  drill('sidecar-0666', 'everybody may write the sidecar', 'sidecar.world-writable', ({ sidecar }) =>
    chmod(sidecar, 0o666),
  ),
  drill(
    'sidecar-acl',
    'an ACL lets a user write the sidecar',
    'sidecar.group-writable',
    ({ sidecar, site }) => letSomebodyWrite(sidecar, site),
  ),
  drill('sidecar-hard-link', 'the sidecar has another name outside', 'sidecar.hard-linked', ({ sidecar }) =>
    moveOut(sidecar, link),
  ),
  drill('sidecar-huge', 'the sidecar is larger than any real one', 'sidecar.too-large', ({ sidecar }) =>
    hollowOut(sidecar, MAX_SIDECAR_BYTES + 1),
  ),
  drill('sidecar-written', 'a second process writes the sidecar', 'sidecar.changed-while-read', (laid) =>
    writeMeanwhile(laid, laid.sidecar),
  ),
  drill('sidecar-missing', 'nothing vouches for the model', 'sidecar.missing', ({ sidecar }) => rm(sidecar)),
];

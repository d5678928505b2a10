// Owners that lie, and an overlay that does not: states that take a namespace, so that nothing is mounted on the host itself,
// and that not every machine lets be made.
import { join } from 'node:path';
import type { CapacityModelRequest } from '../../../capacity/capacity-model.ts';
import type { Drill } from '../../proof.ts';
import { drill } from './drill-site.ts';

/** Runs a shell script and then a command as the first process of a namespace: with it, everything in there ends. */
const OWN_MOUNTS = 'unshare --mount --pid --fork --kill-child --mount-proc sh -ec'.split(' ');

const inOwnMounts =
  (script: string) =>
  (directory: string): readonly string[] => [...OWN_MOUNTS, `${script}; shift; exec "$@"`, 'sh', directory];

/** Directories show the device of the overlay, files that of the layer which they lie in. */
const OVERLAY = `cd "$1"; mkdir -m 755 lower upper
  mount -t tmpfs -o mode=755 none lower; mount -t tmpfs -o mode=755 none upper
  cp -p models/* lower; mkdir -m 755 upper/up upper/work
  mount -t overlay -o "lowerdir=$1/lower,upperdir=$1/upper/up,workdir=$1/upper/work" none "$1/models"; cd /`;

/** User 1 mounts what is its own, and has it shown as root's. The device and its settings are this namespace's own. */
const FUSE = `chmod 711 "$1"; cd "$1"; mkdir -m 755 own; mount -t tmpfs -o mode=755 none own; cd own
  mkdir -m 755 root; cp -r ../models source; chown -R 1:1 source root
  mknod -m 666 fuse c 10 229; echo user_allow_other >conf
  mount --bind fuse /dev/fuse; mount --bind conf /etc/fuse.conf
  setpriv --reuid 1 --regid 1 --clear-groups bindfs --force-user=root --force-group=root -o allow_other "$1/own/source" "$1/own/root"
  cd /`;

export const namespaceDrills: readonly Drill<CapacityModelRequest>[] = [
  {
    ...drill(
      'user-namespace',
      'a namespace that maps nobody: every owner stands for anybody',
      'sidecar.foreign-owner',
    ),
    elsewhere: {
      needs: 'unshare (util-linux) and user namespaces',
      room: 'capacity',
      within: () => ['unshare', '--user'],
    },
  },
  {
    ...drill('overlay', 'none: a sealed model on an overlay over two file systems', 'allow'),
    elsewhere: {
      needs: 'root, mount namespaces and overlayfs',
      room: 'capacity',
      within: inOwnMounts(OVERLAY),
    },
  },
  {
    ...drill(
      'fuse-owner',
      'a file system of another user (FUSE) shows its files as root’s',
      'sidecar.foreign-owner',
      undefined,
      ({ root }) => ({ root: join(root, '..', 'own', 'root') }),
    ),
    elsewhere: {
      needs: 'root, mount namespaces, FUSE and bindfs',
      room: 'capacity',
      within: inOwnMounts(FUSE),
    },
  },
];

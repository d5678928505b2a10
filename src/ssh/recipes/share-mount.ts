// Mounts the manager's share on a worker with sshfs, once, and leaves any other mount alone. What is mounted is read
// from the fields of /proc/self/mountinfo (proc_pid_mountinfo(5)): a search in the output of mount(8) would take
// "share-old" for "share".
import { parsePort, parseTarget } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { constantScript } from '../invocation.ts';
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

export interface ShareMountRequest extends RecipeRequest<'share-mount'> {
  /** The manager, as the worker reaches it. */
  readonly host: string;
  readonly user?: string | undefined;
  readonly port: number;
  /** The directory on the manager, absolute. */
  readonly source: string;
  /** Where it goes on the worker, absolute or `~/rest`. */
  readonly share: string;
}

// Arguments: ssh target, port, sshfs source, mount point. Exit codes: 70 no sshfs, 71 the manager does not answer, 73 no
// mount point, 74 something else is mounted there, 75 not writable afterwards.
const MOUNT = `target=$1 port=$2 source=$3 share=$4
say() { printf '%s\\n' "$1" >&2; }
command -v sshfs >/dev/null 2>&1 || { say 'sshfs is not installed on this host'; exit 70; }
ssh -p "$port" -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=5 -- "$target" true </dev/null ||
  { say 'this host cannot log in to the manager with a key'; exit 71; }
mkdir -p -- "$share" || exit 73
share=$(cd -P -- "$share" && pwd -P && echo .) || exit 73
share=\${share%??}
mounted() {
  SHARE=$share SOURCE=$source awk '
    function plain(s) {
      gsub(/\\\\040/, " ", s); gsub(/\\\\011/, "\\t", s); gsub(/\\\\012/, "\\n", s); gsub(/\\\\043/, "#", s)
      gsub(/\\\\134/, "\\\\", s)
      return s
    }
    plain($5) == ENVIRON["SHARE"] {
      for (i = 7; $i != "-" && i < NF; i++) {}
      what = $(i + 1) != "fuse.sshfs" ? "other" : plain($(i + 2)) == ENVIRON["SOURCE"] ? "ours" : "stale"
    }
    END { print what == "" ? "nothing" : what }
  ' /proc/self/mountinfo
}
usable() { [ -d "$share" ] && [ -w "$share" ]; }
state=$(mounted) || exit 74
if [ "$state" = ours ] && usable; then
  say 'already mounted'
  exit 0
fi
case $state in
nothing) ;;
ours | stale)
  for tool in fusermount3 fusermount; do
    command -v "$tool" >/dev/null 2>&1 && "$tool" -u -- "$share" && break
  done || umount -- "$share" || { say 'a stale mount of the share cannot be removed'; exit 74; } ;;
*)
  say 'another file system is mounted where the share belongs'
  exit 74 ;;
esac
sshfs -p "$port" -o BatchMode=yes -o StrictHostKeyChecking=yes -o reconnect -o ServerAliveInterval=15 \\
  -o nodev -o nosuid -o noexec "$source" "$share" || exit 75
[ "$(mounted)" = ours ] && usable || { say 'the share is not usable after mounting'; exit 75; }`;

/** Returns the request that mounts the manager's share on a worker. */
export const shareMount: Recipe<ShareMountRequest> = defineRecipe({
  id: 'share-mount',
  fields: {
    host: someText,
    user: someText.optional(),
    port,
    source: someText,
    share: someText,
  },
  invocation: ({ host, user, port, source, share, prefix }) => {
    const target = parseTarget(host, user);
    const directory = RemotePath.parseAbsolute(source, 'the source of the share');
    const point = RemotePath.parseShare(share).word;
    return command(
      prefix,
      constantScript(MOUNT, target.ssh, String(parsePort(port)), target.scp + directory, point),
    );
  },
});

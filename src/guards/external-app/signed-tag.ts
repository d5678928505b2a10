// A tag that vouches for a commit: it names that commit and itself, and is signed by SSH. isomorphic-git knows the signatures of PGP
// alone and takes a tag in many forms; here there is one.
import { join } from 'node:path';
import { type AllowedSigner, readAllowedSigners } from './allowed-signers.ts';
import { readText } from './git-directory.ts';
import { ObjectFault, openObjects } from './git-objects.ts';
import { SshFault } from './ssh-key.ts';
import { BEGIN, NAMESPACE, readSignature, type SshSignature } from './ssh-signature.ts';

export interface AskedTag {
  /** Its name below refs/tags. */
  readonly name: string;
  /** The text of an allowed signers file (ssh-keygen(1)), from where the repository cannot reach. */
  readonly allowedSigners: string;
}

export interface SignedTag {
  /** Why there is no tag here that could be judged. */
  readonly fault?: string;
  /** What it names that was not asked for. */
  readonly namesOther?: string | undefined;
  readonly signatureFault?: string | undefined;
  readonly listFault?: string | undefined;
  /** Why no line of the list allows the key. */
  readonly notAllowed?: string | undefined;
  /** The signature is not of this tag by that key; not tried without a key on the list. */
  readonly isForged?: boolean;
  /** The principals of each line that allows the key. */
  readonly principals?: readonly string[];
}

/** An object of more bytes is no tag. */
const MAX_TAG_BYTES = 1_048_576;
const HEAD =
  /^object ([0-9a-f]{40})\ntype ([a-z]+)\ntag ([^\0\n]+)\ntagger [^\0\n<>]* <[^\0\n<>]*> (\d{1,10}) [+-]\d{4}\n\n/;

/** Returns the object that refs/tags/NAME names; a file of its own goes before packed-refs, as in git. */
async function idOf(gitdir: string, name: string): Promise<string> {
  const ref = `refs/tags/${name}`;
  const loose = await readText(join(gitdir, ref));
  const packed = loose === undefined ? ((await readText(join(gitdir, 'packed-refs'))) ?? '') : '';
  const line = packed.split('\n').find((text) => text.endsWith(` ${ref}`));
  const id = /^([0-9a-f]{40})[ \n]/.exec(loose ?? line ?? '')?.[1];
  if (id === undefined) throw new ObjectFault('no ref of this name leads to an object');
  return id;
}

type Allowed = Pick<SignedTag, 'notAllowed' | 'isForged' | 'principals'>;

function verdict(
  { key, signature, signed }: SshSignature,
  signers: readonly AllowedSigner[],
  payload: Buffer,
  time: number,
): Allowed {
  const named = signers.filter((signer) => signer.key.blob.equals(key));
  const here = named.filter(({ namespaces }) => namespaces?.includes(NAMESPACE) ?? true);
  const now = here.filter(
    ({ validAfter = 0, validBefore = Infinity }) => validAfter <= time && time <= validBefore,
  );
  if (named[0] === undefined) return { notAllowed: 'is not on the list' };
  const isForged = !named[0].key.verify(signature, signed(payload));
  if (here.length === 0) return { isForged, notAllowed: 'is on the list for other purposes' };
  if (now.length === 0) return { isForged, notAllowed: 'is on the list for another time' };
  return { isForged, principals: now.flatMap(({ principals }) => principals) };
}

/** Returns what `read` finds, or why it found nothing. */
function attempt<Found>(read: () => Found): { readonly found?: Found; readonly fault?: string } {
  try {
    return { found: read() };
  } catch (error) {
    if (error instanceof SshFault) return { fault: error.message };
    throw error;
  }
}

/** Judges the content of a tag object. @throws ObjectFault for another head than git writes. */
export function judgeTag(content: Buffer, commit: string, { name, allowedSigners }: AskedTag): SignedTag {
  const text = content.toString('latin1');
  const [head, object, type, own, time] = HEAD.exec(text) ?? [];
  if (head === undefined) throw new ObjectFault('it has another head than git writes');
  const other = [own !== name && 'name', type !== 'commit' && 'type', object !== commit && 'commit'];
  const list = attempt(() => readAllowedSigners(allowedSigners));
  // git takes the last line that begins a signature; ours is the first, and must be a whole signature up to the end.
  const at = text.indexOf(`\n${BEGIN}`) + 1;
  const payload = content.subarray(0, at);
  const signature = attempt(() => readSignature(text.slice(at)));
  const signer = attempt(
    () => signature.found && list.found && verdict(signature.found, list.found, payload, Number(time)),
  );
  return {
    namesOther: other.find((part) => part !== false),
    listFault: list.fault,
    signatureFault: signature.fault ?? signer.fault,
    ...signer.found,
  };
}

/** Looks at a tag; starts nothing. */
export async function observeSignedTag(gitdir: string, commit: string, asked: AskedTag): Promise<SignedTag> {
  try {
    const read = await openObjects(gitdir);
    const content = await read(await idOf(gitdir, asked.name), 'tag');
    if (content.length > MAX_TAG_BYTES) throw new ObjectFault('it is too long');
    return judgeTag(content, commit, asked);
  } catch (error) {
    if (error instanceof ObjectFault) return { fault: error.message };
    throw error;
  }
}

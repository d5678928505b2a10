// What belongs to a guard and must not travel with it: the bad states that it is drilled with, and looks that are broken
// on purpose. Who imports a guard loads none of this.
import { CodedError } from '../evidence/coded-error.ts';
import { weakTable } from '../evidence/weak-table.ts';
import { definitionOf, isHouseId } from '../kernel/define.ts';
import type { AnyGuard, Guard } from '../kernel/guard.ts';
import { type ProofTable, type TableMutant, tableMutant } from './tables.ts';

/** What a drill may use to build its state. Everything is taken down again when the drill ends. */
export interface DrillSite {
  /** A fresh directory of this drill's own, mode 0700, by its real path: the place for temporary files may be a link. */
  readonly directory: string;
  /** Registers work to undo, run in reverse order when the drill ends. */
  onCleanup(undo: () => Promise<void> | void): void;
  /** Says that another state was built than the one that the drill is named for; `built` is it, in a few words. */
  fallBack(built: string): void;
  /**
   * Names what is another each time by its nature (a key, a pid, a time), as text or as a global pattern: the digest of
   * what was built holds `name` in its place, wherever it stands in the request, in a file or in a file's name.
   */
  random(name: string, what: string | RegExp): void;
  /** Names files whose content is random by its nature: a path below the directory, or what such paths match. */
  unread(path: string | RegExp): void;
}

/** A place that this process cannot enter and leave again, such as a namespace with mounts of its own. */
export interface Elsewhere {
  /** What a machine must have for it, in a few words. The claims name it: who lacks it owes nothing. */
  readonly needs: string;
  /** The folder of this package whose index exports the guard. */
  readonly room: string;
  /** Program and arguments that run the command after them in that place, and fail where they cannot make it. */
  within(directory: string): readonly string[];
}

export interface Drill<Request> {
  readonly id: string;
  /** The fault that is built, in a few words. */
  readonly fault: string;
  /** `allow`, or the code that must be the headline of the refusal. */
  readonly expects: string;
  /** Builds the state for real and returns the request to judge. Throws {@link DrillUnavailable} where it cannot. */
  build(site: DrillSite): Promise<Request>;
  /** Where the guard judges what was built, for a guard of this package. Default: in this process. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** The state cannot be built on this machine. Counts as no evidence, never as a pass. The message says what to install. */
export class DrillUnavailable extends Error {
  constructor(remedy: string) {
    super(remedy);
    this.name = 'DrillUnavailable';
  }
}

/** A look that is broken on purpose, such as a quoting encoder that does nothing; some drill must notice it. */
export interface BrokenLook<Request> {
  readonly id: string;
  /** Id of the drill that is asked first, for every other is built anew in vain. */
  readonly noticedBy?: string;
  observe(request: Request, signal: AbortSignal): Promise<unknown>;
}

/** Where a request about the real subject is made. */
export interface LiveSite extends DrillSite {
  /** The state directory of this host: key, pins and journal. */
  readonly state: string;
}

/** The id under which a live probe is recorded, beside those of the drills. */
export const LIVE = 'live';

/**
 * The real subject of a guard over the deployment itself. Drills show what the guard tells apart; this asks it in earnest,
 * in the same run, and only what it allows then counts.
 */
export interface Live<Request> {
  /** What the guard is asked about, by the name under which the scorer knows its digest: `package`. */
  readonly subject: string;
  /** Returns the SHA-256 (hex) of the subject as it is now, `undefined` where there is none. The scorer compares. */
  digest(): Promise<string | undefined>;
  /** Returns the request about it. Throws {@link DrillUnavailable} where it cannot be asked here. */
  build(site: LiveSite): Promise<Request>;
}

interface Parts<Request> {
  readonly guard: Guard<Request, object>;
  /** Known bad (and good) states, built for real. At least one is allowed; each rule is some drill's headline. */
  readonly drills: readonly Drill<NoInfer<Request>>[];
  readonly brokenLooks?: readonly BrokenLook<NoInfer<Request>>[];
  /**
   * Facts that rules read and no drill need make bad, as dotted paths (`*`: each element), and why: they come from the
   * caller, or cannot be made bad alone.
   */
  readonly excused?: Readonly<Record<string, string>>;
  /** Tables of names that the guard lets nothing through of, or nothing but. Kept apart: no proof hands them out. */
  readonly tables?: readonly ProofTable<NoInfer<Request>>[];
  readonly live?: Live<NoInfer<Request>>;
}

/** A guard with its drills. Only `defineProof` makes one. */
export interface Proof {
  readonly guard: AnyGuard;
  readonly drills: readonly Drill<unknown>[];
  readonly brokenLooks: readonly BrokenLook<unknown>[];
  readonly excused: Readonly<Record<string, string>>;
  readonly live: Live<unknown> | undefined;
}

/** By proof, what its tables come to: `proofs` is public, and a table that somebody can reach is one that he can change. */
const proofs = weakTable<readonly TableMutant[]>();

const frozenDrill = <Request>(drill: Drill<Request>): Drill<Request> => {
  const { id, fault, expects, elsewhere } = drill;
  return Object.freeze({
    id,
    fault,
    expects,
    build: drill.build.bind(drill),
    ...(elsewhere && { elsewhere }),
  });
};

const frozenLook = <Request>(look: BrokenLook<Request>): BrokenLook<Request> =>
  Object.freeze({ ...look, observe: look.observe.bind(look) });

const frozenLive = <Request>(live: Live<Request>): Live<Request> =>
  Object.freeze({ subject: live.subject, digest: live.digest.bind(live), build: live.build.bind(live) });

function enter<Request>(parts: Parts<Request>): Proof {
  const { guard, drills, brokenLooks = [], excused = {}, tables = [], live } = parts;
  definitionOf(guard); // throws for what is no guard
  // Taken now, and frozen: `proofs` is public, and the drill of a house guard must build what it is named for.
  const proof = Object.freeze({
    guard,
    drills: Object.freeze(drills.map(frozenDrill)),
    brokenLooks: Object.freeze(brokenLooks.map(frozenLook)),
    excused: Object.freeze({ ...excused }),
    live: live && frozenLive(live),
  });
  const ids = new Set(proof.drills.map(({ id }) => id));
  if (ids.size < proof.drills.length) throw new TypeError('two drills of one guard have the same id');
  for (const { noticedBy } of proof.brokenLooks)
    if (noticedBy !== undefined && !ids.has(noticedBy))
      throw new TypeError('there is no drill to notice a look');
  if (ids.has(LIVE)) throw new TypeError('`live` names the probe of the real subject, and no drill');
  const mutants = Object.freeze(tables.map(tableMutant));
  if (new Set(mutants.map(({ id }) => id)).size < mutants.length)
    throw new TypeError('two tables of one guard have the same id');
  proofs.set(proof, mutants);
  return proof as Proof;
}

/**
 * Returns a guard of your own with its drills, for `drillGuard`.
 *
 * @throws CodedError `drill.house-guard`: drills of this package's guards are this package's own. Records of others
 * would read as if the state had been built that the drill is named for.
 */
export function defineProof<Request>(parts: Parts<Request>): Proof {
  // Read once, and asked of the kernel: the id that counts is the one that the guard was defined by.
  const { guard, drills, brokenLooks = [], excused = {}, tables = [], live } = parts;
  if (!isHouseId(definitionOf(guard).id))
    return enter({ guard, drills, brokenLooks, excused, tables, ...(live && { live }) });
  const remedy = 'Drill it by its own proof: it is in `proofs`.';
  throw new CodedError('drill.house-guard', 'this guard brings its drills with it', remedy);
}

/** As {@link defineProof}, for the guards of this package alone. */
export function defineHouseProof<Request>(parts: Parts<Request>): Proof {
  return enter(parts);
}

/**
 * Returns what is done to the tables of a proof. For the drill runner and the claims.
 *
 * @throws TypeError for anything that `defineProof` did not return.
 */
export function tablesOf(proof: Proof): readonly TableMutant[] {
  const tables = proofs.get(proof);
  if (!tables) throw new TypeError('a proof is what defineProof returned');
  return tables;
}

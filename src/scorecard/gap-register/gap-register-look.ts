// The one look at a register of gaps and at what it is held against. What cannot be read or parsed is a fact for a rule.
import { CodedError } from '../../evidence/coded-error.ts';
import { openEnvelope } from '../../evidence/dsse.ts';
import { parseVerifierKey } from '../../evidence/keys.ts';
import { type Baseline, IN_TOTO, parseBaseline } from '../baseline.ts';
import { type Claims, parseClaims } from '../claims.ts';
import { MAX_BYTES, type Read, read } from '../read.ts';
import { type GapRegister, parseRegister } from '../register.ts';
import { parseRetired, type Retired } from '../retired.ts';

/** A file that was signed, and who may have signed it. */
export interface SignedFile {
  /** Absolute path of a DSSE envelope. */
  readonly file: string;
  /** Verifier keys, `name+hash+base64`: one of them signed it. */
  readonly keys: readonly string[];
}

export interface GapRegisterRequest {
  /** Absolute path of the register. */
  readonly register: string;
  /** Absolute path of the claims in which its drills are looked up. */
  readonly claims: string;
  /** An earlier scorecard (`guardrails scorecard --format intoto`). Without one nothing is compared, and the grant says so. */
  readonly baseline?: SignedFile | undefined;
  /** Signed entries (`guardrails retire`) for gaps that were taken out on purpose. */
  readonly retired?: SignedFile | undefined;
}

export interface GapRegisterFacts {
  readonly register: Read<GapRegister>;
  readonly claims: Read<Claims>;
  /** `undefined`: none was named. */
  readonly baseline: Read<Baseline> | undefined;
  readonly retired: Read<readonly Retired[]> | undefined;
  /** The day of the look, `YYYY-MM-DD`. */
  readonly today: string;
}

function unsealed<Value>(
  keys: readonly string[],
  parse: (bytes: Uint8Array) => Value,
): (bytes: Uint8Array) => Value {
  return (bytes) => {
    const { payload, signers } = openEnvelope(bytes, IN_TOTO, keys.map(parseVerifierKey), MAX_BYTES);
    if (signers.length === 0) throw new CodedError('unsigned', 'none of the given keys signed it', '');
    return parse(payload);
  };
}

/** Reads the register and what it is held against, each file once. */
export async function observeGapRegister({
  register,
  claims,
  baseline,
  retired,
}: GapRegisterRequest): Promise<GapRegisterFacts> {
  return {
    register: await read(register, parseRegister),
    claims: await read(claims, parseClaims),
    baseline: baseline && (await read(baseline.file, unsealed(baseline.keys, parseBaseline))),
    retired: retired && (await read(retired.file, unsealed(retired.keys, parseRetired))),
    today: new Date().toISOString().slice(0, 10),
  };
}

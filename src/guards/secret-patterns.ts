// Finds what looks like a secret in plain data. It knows shapes and names, not entropy: a secret that is encoded,
// split over several strings, or bare under an innocent name passes. It comes after redaction, and does not take its place.
import { findSecrets } from './find-secrets.ts';

interface SecretPattern {
  readonly name: string;
  readonly why: string;
  readonly pattern: RegExp;
}

/** What the shapes of providers do not have, or not as short. */
const PATTERNS: readonly SecretPattern[] = [
  {
    name: 'authorization-header',
    why: 'HTTP credentials, RFC 6750 and RFC 7617',
    pattern: /\b(?:bearer|basic) {1,8}[\w+/.~=-]{16}/i,
  },
  {
    name: 'url-password',
    why: 'a password in the userinfo of a URL, RFC 3986 section 3.2.1',
    pattern: /:\/\/[^\s/?#@:]{0,256}:[^\s/?#@]{1,256}@/,
  },
  {
    name: 'json-web-token',
    why: 'a base64url JSON object as the second part, RFC 7519',
    pattern: /[\w-]\.eyJ[\w-]{8}/,
  },
  { name: 'hugging-face-token', why: 'the prefix of Hugging Face tokens', pattern: /\bhf_[A-Za-z0-9]{16}/ },
  { name: 'model-api-key', why: 'OpenAI and Anthropic keys', pattern: /\bsk-[\w-]{16}/ },
  {
    name: 'assignment',
    why: 'a value next to a name that says secret, as in PASSWORD=x, "token": "x" or --api-key=x',
    // The value is whatever follows, except nothing, the mark of a redaction, a reference to a variable (${KEY}, {{ key }})
    // or the name of a token of a language model (eos). A directory of a partition (/token=abc/) is none.
    pattern:
      /(?:password|passwd|passphrase|secret|(?<!\/)token|credential|api[_-]?key|access[_-]?key|private[_-]?key)["']?\s{0,8}[=:]\s{0,8}["']?(?!(?:<redacted>|null|none|eos|bos|pad|unk|sep|cls|mask|\$\{[A-Za-z_]\w{0,63}\}|\{\{ ?[A-Za-z_]\w{0,63} ?\}\})(?:[\s"',;&}\])]|$))[^\s"',;&]/i,
  },
];

/** Shapes that are refused wherever they appear, by name. Every pattern is linear in its input. */
export const SECRET_PATTERNS: ReadonlyMap<string, SecretPattern> = new Map(
  PATTERNS.map((each) => [each.name, each]),
);

/** What may stand where a secret was. Other marks are refused: `***` could be a value. */
const isRedacted = (value: string): boolean => value === '' || value === '<redacted>';
/** A reference to a variable, or the name of a token of a language model. */
const isHarmless = (value: string): boolean =>
  isRedacted(value) ||
  /^(?:eos|bos|pad|unk|sep|cls|mask|\$\{[A-Za-z_]\w{0,63}\}|\{\{ ?[A-Za-z_]\w{0,63} ?\}\})$/i.test(value);

// Wide, since a redacted innocent costs nothing: AGILAB redacts by these names too.
const ENVIRONMENT_NAME = /secret|token|passw|passphrase|key|credential|auth/i;
// Narrow, since these names stand among ordinary data, where `max_tokens` and `tokenizer` are common.
const FIELD_NAME =
  /(?:secret|token|password|passwd|passphrase|credentials?|api[_-]?key|access[_-]?key|private[_-]?key)$/i;

/** Tells whether an environment variable of this name must not show its value. */
export function isBareSecret(variable: string, value: string): boolean {
  return ENVIRONMENT_NAME.test(variable) && !isRedacted(value) && !/^\$\{[A-Za-z_]\w{0,63}\}$/.test(value);
}

/** A string in which a pattern was found. It may be the secret itself: never to be shown. */
export interface SecretFinding {
  readonly name: string;
  readonly text: string;
}

/** Returns the name of the first pattern that a text holds, or of the first shape of a provider. */
function patternIn(text: string): string | undefined {
  for (const { name, pattern } of SECRET_PATTERNS.values()) if (pattern.test(text)) return name;
  return findSecrets(text)[0]?.shape;
}

/** Finds every string of some plain data that looks like a secret, keys of objects included. */
export function* secretFindings(data: unknown): Generator<SecretFinding> {
  // A stack of our own: the data may be nested deeper than calls can go.
  const pending: unknown[] = [data];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value === 'string') {
      const text = value;
      const name = patternIn(text);
      if (name !== undefined) yield { name, text };
    } else if (typeof value === 'object' && value !== null) {
      const entries: [string, unknown][] = Array.isArray(value)
        ? // In an argument vector the name of a value is the word before it: --password x.
          value.map((item, index) => [optionName(value[index - 1]), item])
        : Object.entries(value);
      for (const [name, item] of entries) {
        if (typeof item === 'string' && FIELD_NAME.test(name) && !isHarmless(item))
          yield { name: 'named-value', text: item };
        pending.push(item, name);
      }
    }
  }
}

function optionName(word: unknown): string {
  return typeof word === 'string' && word.startsWith('-') ? word : '';
}

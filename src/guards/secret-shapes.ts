// Secrets by the shape that their providers gave them, and values beside a name that says secret. Each pattern is linear in its
// input. What providers can check (checksums, test values) is left to secretlint; this table knows more of them, and less.

export interface Shape {
  readonly name: string;
  readonly has: readonly string[];
  /** Whose secret it is. */
  readonly why: string;
  /** Global, so that every match is seen. Its group 1, if any, is the value that must not be a mere word. */
  readonly pattern: RegExp;
}

/** `has`: every match holds one of these; empty where nothing can be said. To look for them is faster by far. */
type Row = readonly [name: string, has: readonly string[], why: string, pattern: RegExp];

/** Not at the beginning of a long word: with blanks or quotes in it, or known by what stands in its middle. */
const INNER: readonly Row[] = [
  [
    'private-key',
    ['PRIVATE KEY'],
    'PEM, OpenSSH and PGP private keys',
    /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g,
  ],
  [
    'google-account',
    ['"private_key_id"'],
    'key ids of Google service accounts',
    /"private_key_id"\s{0,8}:\s{0,8}"[0-9a-f]{32,}"/g,
  ],
  // From the second part back to the first, which ends at a dot: forward, each beginning in a long run would look through all of it.
  ['jwt', ['.eyJ'], 'JSON Web Tokens, RFC 7519', /(?<=\beyJ[\w-]{8,})\.eyJ[\w-]{8,}/g],
];

/** A fixed prefix says whose it is, so the rest may be anything of the alphabet: one long word without a gap. */
const PREFIXED: readonly (readonly [name: string, why: string, pattern: RegExp])[] = [
  ['age-key', 'age', /\bAGE-SECRET-KEY-1[0-9A-Z]{20,}/g],
  ['aws-key-id', 'AWS access key ids', /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b/g],
  ['azure-key', 'Azure storage and bus keys', /\b(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}={0,2}/g],
  ['google-key', 'Google API keys', /\bAIza[\w-]{30,}/g],
  ['google-oauth', 'Google access tokens and client secrets', /\b(?:ya29\.[\w-]{16,}|GOCSPX-[\w-]{20,})/g],
  ['github', 'GitHub', /\b(?:gh[oprsu]_\w{16,}|github_pat_\w{16,})/g],
  [
    'gitlab',
    'GitLab: personal, deploy, runner, trigger, feed, agent',
    /\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas)-[\w.-]{16,}/g,
  ],
  ['slack', 'Slack', /\b(?:xox[a-z](?:\.xox[a-z])?-[\w-]{10,}|xapp-\d-[\w-]{10,})/g],
  [
    'chat-webhook',
    'web hooks of Slack, Discord, Teams and Google Chat',
    /\b(?:hooks\.slack\.com\/(?:services|workflows)\/\w{6,}\/\w{6,}|discord(?:app)?\.com\/api\/webhooks\/\d{10,}\/[\w-]{20,}|webhook\.office\.com\/webhookb2\/[\w@-]{20,}|chat\.googleapis\.com\/v1\/spaces\/[\w-]+\/messages\?key=)/g,
  ],
  ['telegram', 'Telegram bots', /\b\d{8,10}:AA[\w-]{30,}/g],
  ['stripe', 'Stripe', /\b(?:(?:sk|rk)_live_\w{16,}|whsec_[\w+/=]{16,})/g],
  ['square', 'Square', /\bsq0(?:atp|csp|idp)-[\w-]{20,}/g],
  ['shopify', 'Shopify', /\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}/g],
  ['twilio', 'Twilio', /\bSK[0-9a-f]{32}\b/g],
  ['sendgrid', 'SendGrid', /\bSG\.[\w-]{16,}\.[\w-]{16,}/g],
  ['mailgun', 'Mailgun', /\bkey-[0-9a-f]{32}\b/g],
  ['mailchimp', 'Mailchimp', /\b[0-9a-f]{32}-us\d{1,2}\b/g],
  ['npm', 'npm', /\bnpm_[A-Za-z0-9]{30,}/g],
  ['pypi', 'PyPI', /\bpypi-AgE[\w-]{20,}/g],
  ['rubygems', 'RubyGems', /\brubygems_[0-9a-f]{40,}/g],
  ['docker', 'Docker Hub', /\bdckr_(?:pat|oat)_[\w-]{20,}/g],
  ['digitalocean', 'DigitalOcean', /\bdo[opr]_v1_[0-9a-f]{40,}/g],
  ['databricks', 'Databricks', /\bdapi[0-9a-f]{32}/g],
  ['vault', 'HashiCorp Vault and Terraform Cloud', /\b(?:hv[bsr]\.[\w-]{20,}|\w{14}\.atlasv1\.[\w-]{40,})/g],
  ['hugging-face', 'Hugging Face', /\bhf_[A-Za-z0-9]{20,}/g],
  ['replicate', 'Replicate', /\br8_[A-Za-z0-9]{30,}/g],
  ['groq', 'Groq', /\bgsk_[A-Za-z0-9]{30,}/g],
  ['perplexity', 'Perplexity', /\bpplx-[A-Za-z0-9]{30,}/g],
  ['linear', 'Linear', /\blin_(?:api|oauth)_[A-Za-z0-9]{30,}/g],
  ['notion', 'Notion', /\bntn_[A-Za-z0-9]{30,}/g],
  ['figma', 'Figma', /\bfig[dour]_[\w-]{30,}/g],
  ['airtable', 'Airtable', /\bpat[A-Za-z0-9]{14}\.[0-9a-f]{40,}/g],
  ['atlassian', 'Atlassian', /\bAT(?:ATT|CTT|BB)3?[\w=-]{24,}/g],
  ['grafana', 'Grafana', /\bgl(?:sa|c)_[A-Za-z0-9+/=_]{30,}/g],
  ['new-relic', 'New Relic', /\bNRAK-[A-Z0-9]{20,}/g],
  ['sentry', 'Sentry', /\bsntry[su]_[\w=+/]{30,}/g],
  ['postman', 'Postman', /\bPMAK-[0-9a-f]{20,}/g],
  ['pulumi', 'Pulumi', /\bpul-[0-9a-f]{40}/g],
  ['doppler', 'Doppler', /\bdp\.(?:pt|st|ct|sa)\.[A-Za-z0-9]{30,}/g],
  ['supabase', 'Supabase', /\bsbp_[0-9a-f]{40}/g],
  ['planetscale', 'PlanetScale', /\bpscale_(?:tkn|pw|oauth)_[\w.-]{30,}/g],
  ['heroku', 'Heroku', /\bHRKU-[\w-]{30,}/g],
];

/** A shape that words of people could have too: only a value that is no word counts. */
const GUESSED: readonly Row[] = [
  ['model-api-key', ['sk-'], 'OpenAI, Anthropic, OpenRouter and others', /\bsk-([\w-]{16,})/g],
  [
    'authorization',
    [],
    'HTTP credentials, RFC 6750 and RFC 7617',
    /\b(?:bearer|basic) {1,8}([\w+/.~=-]{12,})/gi,
  ],
  [
    'url-password',
    ['://'],
    'a password in a URL, RFC 3986 section 3.2.1',
    /:\/\/[^\s/?#@:'"<>]{0,256}:([^\s/?#@'"<>]{1,256})@/g,
  ],
];

const shape = ([name, has, why, pattern]: Row): Shape => ({ name, has, why, pattern });

/** By name, as each table of shapes is. */
const named = <T extends { readonly name: string }>(shapes: readonly T[]): ReadonlyMap<string, T> =>
  new Map(shapes.map((each) => [each.name, each]));

export const INNER_SHAPES: ReadonlyMap<string, Shape> = named(INNER.map(shape));
export const PREFIXED_SHAPES: ReadonlyMap<string, Omit<Shape, 'has'>> = named(
  PREFIXED.map(([name, why, pattern]) => ({ name, why, pattern })),
);
/** All of them at once. Each begins at the edge of a word; said once, that is twice as fast. */
export const ANY_PREFIXED: RegExp = new RegExp(
  String.raw`\b(?:${PREFIXED.map(([, , { source }]) => source.replace(/^\\b/, '')).join('|')})`,
);
export const GUESSED_SHAPES: ReadonlyMap<string, Shape> = named(GUESSED.map(shape));

// Words that public text may not use of what it offers: they promise what no drill can show. The first ten are AGILAB's own
// policy for claims (docs/source/evidence-claims-policy.rst).

const FORBIDDEN: readonly string[] = [
  'EU AI Act compliant',
  'EU AI Act ready',
  'tamper proof',
  'certified',
  'regulator ready',
  'court admissible',
  'production grade governance',
  'full audit trail',
  'cryptographically anchored',
  'SLSA compliant',
  'bullet proof',
  'fool proof',
  'unbreakable',
  'unhackable',
  'military grade',
  'bank grade',
  'enterprise grade',
  'production grade',
  'production ready',
  '100 percent secure',
  'completely secure',
  'fully secure',
  'perfectly secure',
  'guaranteed secure',
  'cannot be hacked',
  'zero risk',
];

/** The words of a text in lower case, one blank between them: hyphens, blanks and invisible characters make no difference. */
function wordsOf(text: string): string {
  const plain = text
    .normalize('NFKC')
    .replaceAll(/\p{Cf}/gu, '')
    .replaceAll('%', ' percent ');
  return ` ${
    plain
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(' ') ?? ''
  } `;
}

/** Each phrase as it may be spelled: in words, and in one. */
const spellings = (phrase: string): readonly string[] => [
  wordsOf(phrase),
  ` ${wordsOf(phrase).replaceAll(' ', '')} `,
];
const FORBIDDEN_WORDS = FORBIDDEN.map((phrase) => ({ phrase, as: spellings(phrase) }));

/** Returns the first forbidden phrase that a text holds. */
export function forbiddenIn(text: string): string | undefined {
  const words = wordsOf(text);
  return FORBIDDEN_WORDS.find(({ as }) => as.some((each) => words.includes(each)))?.phrase;
}

/** Returns the first of these phrases that a text holds. */
export function phraseIn(text: string, phrases: readonly string[]): string | undefined {
  const words = wordsOf(text);
  return phrases.find((phrase) => words.includes(wordsOf(phrase)));
}

/** A number with a unit of speed, time or share: what somebody measured. Bounds are numbers of bytes and of things. */
const FIGURE =
  /\d\s*(?:%|percent\b|×|(?:times|x)\s+(?:as|faster|slower|more|less|higher|lower)\b|(?:µs|ms|s|seconds?|minutes?)\b(?!\s+old)|(?:[kMG]B|rows|records|lines|commands|requests|ops)\s*(?:\/|a|per)\s*s)/u;

/** Whether a text holds a measured figure. */
export function hasFigure(text: string): boolean {
  return FIGURE.test(text);
}

// One pass over the tokens of a JSON text (RFC 8259). JSON.parse, which then makes the value, hides what a strict reader
// must know: how a number was written, that a key came twice, and where a text is wrong.
import { StrictJsonError } from './strict-json-error.ts';

export interface ScanRules {
  readonly maxDepth: number;
  /** Says where any number will do; elsewhere only safe integers written as integers. */
  readonly fractionAt?: ((path: readonly (string | number)[]) => boolean) | undefined;
  /** Whether to look for the place of a repeated key. It keeps a set for each open object, so only ask when there is one. */
  readonly findDuplicate?: boolean;
  readonly file?: string | undefined;
}

const TAB = 0x09;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const SPACE = 0x20;
const QUOTE = 0x22;
const PLUS = 0x2b;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const SEVEN = 0x37;
const NINE = 0x39;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LOWER_A = 0x61;
const LOWER_D = 0x64;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const LITERALS = ['true', 'false', 'null'];
/** RFC 8259 section 7: what may stand behind a backslash, besides a `u` and four digits. */
const ESCAPES: ReadonlySet<number> = new Set(Array.from('"\\/bfnrt', (character) => character.charCodeAt(0)));
const PAIR = /\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}/iy;
/** RFC 8259 section 7: all but controls, the quote and the backslash stand for themselves. */
const PLAIN = /[ !#-[\]-\uffff]*/y;
const BLANKS = /[ \t\n\r]*/y;
/** So many characters are read one at a time before PLAIN or BLANKS, which cost more to start, take over. */
const SHORT = 12;
/** Every integer of so many digits is safe. */
const SAFE_DIGITS = 15;
const PROTO = '__proto__';

/**
 * Returns how many members all objects of the text have together.
 *
 * @throws StrictJsonError `json.syntax`, `json.too-deep`, `json.encoding`, `json.proto-key`, `json.not-integer`,
 * `json.number-range`, and with `findDuplicate` `json.duplicate-key`.
 */
export function scanJson(text: string, rules: ScanRules): number {
  return new Scanner(text, rules).run();
}

class Scanner {
  private at = 0;
  private members = 0;
  /** For each open container whether it is an object. A list, not recursion: depth costs no stack. */
  private readonly open: boolean[] = [];
  /** One array for the whole text: key or index in each open container. */
  private readonly path: (string | number)[] = [];
  private readonly keys: Set<string>[] = [];
  private readonly text: string;
  private readonly rules: ScanRules;

  constructor(text: string, rules: ScanRules) {
    this.text = text;
    this.rules = rules;
  }

  run(): number {
    for (;;) {
      const first = this.skipBlanks();
      if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
        if (this.enter(first === OPEN_OBJECT)) continue;
      } else if (first === QUOTE) this.string();
      else if (first === MINUS || isDigit(first)) this.number(first);
      else this.literal();
      if (!this.nextValue()) return this.members;
    }
  }

  /** Opens an array or object; returns whether a first value is due. */
  private enter(isObject: boolean): boolean {
    const { open, path, keys, rules } = this;
    if (!(open.length < rules.maxDepth)) {
      this.refuse('json.too-deep', `nested more than ${rules.maxDepth} deep`, this.at);
    }
    this.at++;
    open.push(isObject);
    if (rules.findDuplicate) keys[open.length - 1] = new Set();
    if (this.skipBlanks() === (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return false;
    if (isObject) this.key();
    else path[open.length - 1] = 0;
    return true;
  }

  /** Behind a value: closes what ends here; returns whether another value is due, or the text has ended. */
  private nextValue(): boolean {
    const { open, path, text } = this;
    for (;;) {
      const code = this.skipBlanks();
      if (open.length === 0) return this.at < text.length && this.syntax(this.at);
      const isObject = open[open.length - 1];
      if (code === COMMA) {
        this.at++;
        if (isObject) this.key();
        else path[open.length - 1] = Number(path[open.length - 1]) + 1;
        return true;
      }
      if (code !== (isObject ? CLOSE_OBJECT : CLOSE_ARRAY)) this.syntax(this.at);
      this.at++;
      open.pop();
      if (path.length > open.length) path.pop();
    }
  }

  private key(): void {
    const { text, open, path, keys, rules } = this;
    if (this.skipBlanks() !== QUOTE) this.syntax(this.at);
    const start = this.at;
    const escaped = this.string();
    this.members++;
    const length = this.at - start - 2;
    if (escaped || rules.fractionAt || rules.findDuplicate || length === PROTO.length) {
      const name = escaped
        ? String(JSON.parse(text.slice(start, this.at)))
        : text.slice(start + 1, this.at - 1);
      // Assigning it would set the prototype, and some validators pass over it without a word.
      if (name === PROTO) this.refuse('json.proto-key', `a key is ${PROTO}`, start);
      const seen = keys[open.length - 1];
      if (seen?.has(name)) this.refuse('json.duplicate-key', 'an object repeats a key', start);
      seen?.add(name);
      path[open.length - 1] = name;
    }
    if (this.skipBlanks() !== COLON) this.syntax(this.at);
    this.at++;
  }

  /** Reads a string from its quote on; returns whether it holds an escape. */
  private string(): boolean {
    const { text } = this;
    let at = this.at + 1;
    let plain = 0;
    let escaped = false;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        escaped = true;
        plain = 0;
        const kind = text.charCodeAt(at + 1);
        if (kind === LOWER_U) {
          for (let digit = at + 2; digit < at + 6; digit++) {
            if (!isHex(text.charCodeAt(digit))) this.syntax(at);
          }
          // \ud800 to \udfff, of which only a pair is a character.
          const surrogate = (text.charCodeAt(at + 2) | SPACE) === LOWER_D && text.charCodeAt(at + 3) > SEVEN;
          PAIR.lastIndex = at;
          if (surrogate && !PAIR.test(text)) this.refuse('json.encoding', 'a lone surrogate is escaped', at);
          at += surrogate ? 12 : 6;
        } else {
          if (!ESCAPES.has(kind)) this.syntax(at);
          at += 2;
        }
      } else if (code >= SPACE) {
        at++;
        if (++plain === SHORT) {
          plain = 0;
          at = endOf(PLAIN, text, at);
        }
      } else this.syntax(at); // a control character, or the end of the text (NaN)
    }
    this.at = at + 1;
    return escaped;
  }

  private number(first: number): void {
    const { text, at: start, rules, path } = this;
    let at = first === MINUS ? start + 1 : start;
    at = text.charCodeAt(at) === ZERO ? at + 1 : this.digits(at);
    const whole = at;
    if (text.charCodeAt(at) === POINT) at = this.digits(at + 1);
    const exponent = (text.charCodeAt(at) | SPACE) === LOWER_E;
    if (exponent) {
      const sign = text.charCodeAt(at + 1);
      at = this.digits(sign === PLUS || sign === MINUS ? at + 2 : at + 1);
    }
    this.at = at;
    const fraction = rules.fractionAt?.(path) ?? false;
    if (!fraction && at > whole) {
      this.refuse('json.not-integer', 'a number is not written as an integer', start);
    }
    if (!exponent && whole - start <= SAFE_DIGITS) return;
    const value = Number(text.slice(start, at));
    if (!(fraction ? Number.isFinite(value) : Number.isSafeInteger(value))) {
      this.refuse('json.number-range', 'a number is out of range', start);
    }
  }

  /** Returns the index behind one digit or more. */
  private digits(from: number): number {
    let at = from;
    while (isDigit(this.text.charCodeAt(at))) at++;
    if (at === from) this.syntax(at);
    return at;
  }

  private literal(): void {
    const literal = LITERALS.find((word) => this.text.startsWith(word, this.at));
    this.at += literal?.length ?? this.syntax(this.at);
  }

  /** Returns the code of the next character that is no blank; NaN at the end. */
  private skipBlanks(): number {
    const { text } = this;
    let at = this.at;
    let code = text.charCodeAt(at);
    while (code === SPACE || code === LINE_FEED || code === RETURN || code === TAB) {
      at = at - this.at < SHORT ? at + 1 : endOf(BLANKS, text, at);
      code = text.charCodeAt(at);
    }
    this.at = at;
    return code;
  }

  private syntax(at: number): never {
    this.refuse('json.syntax', 'not JSON', at);
  }

  private refuse(code: string, why: string, at: number): never {
    throw new StrictJsonError(code, why, this.rules.file, { text: this.text, at });
  }
}

/** Returns the index behind the characters of a class that stand at `at`. */
function endOf(characters: RegExp, text: string, at: number): number {
  characters.lastIndex = at;
  characters.test(text);
  return characters.lastIndex;
}

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function isHex(code: number): boolean {
  const lower = code | SPACE;
  return isDigit(code) || (lower >= LOWER_A && lower <= LOWER_F);
}

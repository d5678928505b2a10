// The one look at what a package says of itself, and at what it names as evidence. What cannot be read is a fact for a rule.
import { CodedError } from '../../evidence/coded-error.ts';
import { filesBelow } from '../../evidence/files.ts';
import { pause } from '../../evidence/pass.ts';
import { parseStrictJson } from '../../evidence/strict-json.ts';
import { type Claims, parseClaims } from '../claims.ts';
import { type Read, read } from '../read.ts';
import { type Gap, parseRegister } from '../register.ts';
import type { Document } from './blocks.ts';
import { MAX_TEXT, tooMuchIn } from './bounds.ts';
import { type CountedFile, countSuite } from './count-suite.ts';
import { DOCUMENTS, parseStatements, type Statement } from './statements.ts';
import { parseSuite, type TestFile } from './suite.ts';

export interface ClaimBoundaryRequest {
  /**
   * Absolute path of the package: README.md, SECURITY.md, CONTRIBUTING.md, `docs`, package.json, and `data` with the locks
   * of text and tests, the claims and the register. Where `test` is there, its files are counted.
   */
  readonly root: string;
}

/** What a package's manifest says of it, and which commands it has. */
interface Manifest {
  readonly description: string;
  /** `npm run NAME`, `npm start` and the like. */
  readonly commands: readonly string[];
}

export interface ClaimBoundaryFacts {
  readonly documents: readonly { readonly path: string; readonly document: Read<Document> }[];
  readonly manifest: Read<Manifest>;
  readonly lock: Read<readonly Statement[]>;
  readonly claims: Read<Claims>;
  readonly gaps: Read<readonly Gap[]>;
  readonly suite: Read<readonly TestFile[]>;
  /** The tests as they are; `undefined` where there is no folder of tests. */
  readonly counted: Read<readonly CountedFile[]> | undefined;
}

const MAX_FILES = 5_000;

const decode = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CodedError('encoding', 'it is not UTF-8', '');
  }
};

function parseDocument(bytes: Uint8Array, readBlocks: (markdown: string) => Document): Document {
  if (bytes.length > MAX_TEXT) throw new CodedError('too-large', 'it is longer than 128 KiB', '');
  const text = decode(bytes);
  const what = tooMuchIn(text);
  if (what) throw new CodedError('too-dense', `it holds more ${what} than people write`, '');
  return readBlocks(text);
}

function notMarkdown(): never {
  throw new CodedError('not-markdown', 'it is no Markdown', '');
}

function parseManifest(bytes: Uint8Array): Manifest {
  const limits = { maxBytes: 1_048_576, maxDepth: 16, fractionAt: () => true };
  const { description = '', scripts = {} } = parseStrictJson(bytes, limits) as Record<string, unknown>;
  if (typeof description !== 'string' || typeof scripts !== 'object' || scripts === null)
    throw new CodedError('manifest', 'it is no manifest of npm', '');
  const names = Object.keys(scripts);
  const short = names.filter((name) => name === 'start' || name === 'test').map((name) => `npm ${name}`);
  return { description, commands: [...names.map((name) => `npm run ${name}`), ...short] };
}

async function countTests(
  folder: string,
  signal: AbortSignal,
): Promise<Read<readonly CountedFile[]> | undefined> {
  const { files, others } = await filesBelow(folder, MAX_FILES);
  if (files.length + others.length === 0) return undefined;
  const [other] = others.filter((path) => path === '' || path.endsWith('.ts'));
  if (other !== undefined) return { code: 'unreadable', why: 'a file of tests is no plain file' };
  const texts = new Map<string, string>();
  for (const path of files.filter((file) => file.endsWith('.ts'))) {
    signal.throwIfAborted();
    const text = await read(`${folder}/${path}`, decode);
    if (text.value === undefined) return { code: text.code, why: text.why };
    texts.set(path, text.value);
  }
  try {
    const counted: CountedFile[] = [];
    for (const file of countSuite(texts)) {
      counted.push(file);
      await pause(); // the host has other work
      signal.throwIfAborted();
    }
    return { value: counted };
  } catch (error) {
    if (error instanceof SyntaxError) return { code: 'syntax', why: 'a file of tests is no TypeScript' };
    throw error;
  }
}

/** Reads everything that the package says and names, each file once. */
export async function observeClaimBoundary(
  { root }: ClaimBoundaryRequest,
  signal: AbortSignal,
): Promise<ClaimBoundaryFacts> {
  // Loaded with the first look: the parser of Markdown is two hundred files, and few processes look.
  const { readBlocks } = await import('./blocks.ts');
  const inBlocks = (bytes: Uint8Array): Document => parseDocument(bytes, readBlocks);
  const { files, others } = await filesBelow(`${root}/docs`, MAX_FILES);
  // A picture is seen with its alternative, where a document shows it; anything else would be text that nobody reads here.
  const docs = [...files, ...others].filter((path) => !path.endsWith('.png'));
  const paths = [...DOCUMENTS, ...docs.map((path) => `docs/${path}`)];
  const documents = paths.map(async (path) => ({
    path,
    document: await read(`${root}/${path}`, path.endsWith('.md') ? inBlocks : notMarkdown),
  }));
  return {
    documents: await Promise.all(documents),
    manifest: await read(`${root}/package.json`, parseManifest),
    lock: await read(`${root}/data/statements.json`, parseStatements),
    claims: await read(`${root}/data/claims.json`, parseClaims),
    gaps: await read(`${root}/data/hardening-gaps.json`, (bytes) => parseRegister(bytes).gaps),
    suite: await read(`${root}/data/suite.json`, parseSuite),
    counted: await countTests(`${root}/test`, signal),
  };
}

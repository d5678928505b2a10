// A document, block by block: each heading, paragraph, row of a table, item of a list and piece of code, with the mark that says
// what it is. Marks are comments, so that readers do not see them; a block without one is a sentence that nobody answers for.
import type { Nodes, Parents, RootContent } from 'mdast';
import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

/** What a block is said to be: a claim with what shows it, figures that a command prints, or no claim, and why. */
export type Mark =
  | { readonly is: 'claim'; readonly ids: readonly string[] }
  | { readonly is: 'figures'; readonly command: string }
  | { readonly is: 'no-claim'; readonly kind: Kind };

/** Why something claims nothing. Words that promise too much stand in a `denial` alone. */
export type Kind = (typeof KINDS)[number];
const KINDS = ['title', 'howto', 'reference', 'links', 'limits', 'denial', 'plan'] as const;

export interface Block {
  readonly line: number;
  /** All that a reader sees or is told: text, code, alternatives of images, titles of links. */
  readonly text: string;
  readonly mark: Mark | undefined;
  /** It holds HTML that is no comment: what a reader sees of that is not known here. */
  readonly rawHtml: boolean;
}

/** A comment that looks like a mark and is none, or that stands where it marks nothing. */
export interface StrayMark {
  readonly line: number;
  readonly why: string;
}

export interface Document {
  readonly blocks: readonly Block[];
  readonly stray: readonly StrayMark[];
}

/** GitHub Flavored Markdown. */
const GITHUB = { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] };

const MARK = /^<!--\s*(claim|no-claim|figures):\s*(.+?)\s*-->$/s;
const COMMENT = /^<!--(?!-?>)(?:(?!--)[\s\S])*-->$/;
const ID = /^[a-zA-Z0-9][a-zA-Z0-9_./:+-]{0,199}$/;

/** Returns the mark in a comment; a string says why it is none; `undefined`: another comment. */
function markIn(html: string): Mark | string | undefined {
  const [, is, rest = ''] = MARK.exec(html.trim()) ?? [];
  if (is === undefined) return undefined;
  if (is === 'figures') return { is, command: rest.replaceAll(/\s+/g, ' ') };
  if (is === 'no-claim') {
    const kind = KINDS.find((known) => known === rest);
    return kind ? { is, kind } : `no-claim is one of ${KINDS.join(', ')}`;
  }
  const ids = rest.split(/\s*,\s*/);
  return ids.every((id) => ID.test(id)) ? { is: 'claim', ids } : 'a claim names probes, drills or tests';
}

const lineOf = (node: Nodes): number => node.position?.start.line ?? 0;
const isParent = (node: Nodes): node is Parents => 'children' in node;

/** Everything below a node, itself included, in order. */
function below(node: Nodes): readonly Nodes[] {
  const found: Nodes[] = [];
  const waiting: Nodes[] = [node];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    found.push(next);
    if (isParent(next)) waiting.push(...next.children.toReversed());
  }
  return found;
}

/** The text of some nodes as a reader gets it, every run of blanks one blank. */
function textOf(nodes: readonly Nodes[]): string {
  const parts = nodes.flatMap((node) => {
    if (node.type === 'text' || node.type === 'inlineCode' || node.type === 'code') return [node.value];
    if (node.type === 'image' || node.type === 'imageReference') return [` ${node.alt ?? ''} `];
    if (node.type === 'link' || node.type === 'definition') return node.title ? [` ${node.title} `] : [];
    if (node.type === 'break' || node.type === 'tableCell' || node.type === 'paragraph') return [' '];
    return [];
  });
  return parts.join('').replaceAll(/\s+/g, ' ').trim();
}

/** A block as it is found: its nodes, which hold no other block. */
interface Piece {
  readonly node: Nodes;
  readonly parts: readonly Nodes[];
}

/** The blocks that one node of the document holds. */
function piecesOf(node: Nodes): readonly Piece[] {
  switch (node.type) {
    case 'list':
    case 'blockquote':
    case 'footnoteDefinition':
      return node.children.flatMap(piecesOf);
    case 'table':
      return node.children.map((row) => ({ node: row, parts: below(row) }));
    case 'listItem': {
      // What an item says itself is one block; lists, code and tables in it are blocks of their own.
      const own = node.children.filter(({ type }) => type === 'paragraph' || type === 'html');
      const inner = node.children.filter((each) => !own.includes(each));
      const parts = own.flatMap(below);
      return [...(parts.length > 0 ? [{ node, parts }] : []), ...inner.flatMap(piecesOf)];
    }
    default:
      return [{ node, parts: below(node) }];
  }
}

/**
 * Reads a document (GitHub Flavored Markdown). A mark right after a heading is for all up to the next heading, one
 * before a block for that block, one inside a row or an item for that alone.
 */
export function readBlocks(markdown: string): Document {
  const tree = fromMarkdown(markdown, GITHUB);
  const stray: StrayMark[] = [];
  const read = (node: Nodes): Mark | undefined => {
    const mark = node.type === 'html' ? markIn(node.value) : undefined;
    if (typeof mark !== 'string') return mark;
    stray.push({ line: lineOf(node), why: mark });
    return undefined;
  };
  const blocks: Block[] = [];
  let section: Mark | undefined;
  let pending: { readonly mark: Mark; readonly line: number } | undefined;
  const drop = (): void => {
    if (pending) stray.push({ line: pending.line, why: 'it stands before no block' });
    pending = undefined;
  };
  const add = ({ node, parts }: Piece, outer: Mark | undefined): void => {
    const html = parts.filter((part) => part.type === 'html');
    const own = html.map(read).filter((mark) => mark !== undefined);
    if (own.length > 1) stray.push({ line: lineOf(node), why: 'a block has one mark' });
    const rawHtml = html.some((part) => !COMMENT.test(part.value.trim()));
    const text = textOf(parts);
    if (text !== '' || rawHtml) blocks.push({ line: lineOf(node), text, mark: own[0] ?? outer, rawHtml });
  };
  const { children } = tree;
  for (const [n, node] of children.entries()) {
    const after: RootContent | undefined = children[n + 1];
    if (node.type === 'html' && COMMENT.test(node.value.trim())) {
      const mark = children[n - 1]?.type === 'heading' ? undefined : read(node); // a heading has read it
      if (!mark) continue;
      drop();
      pending = { mark, line: lineOf(node) };
      continue;
    }
    if (node.type === 'heading') section = after && read(after);
    const outer = pending?.mark ?? section;
    pending = undefined;
    for (const piece of piecesOf(node)) add(piece, outer);
  }
  drop();
  return { blocks, stray };
}

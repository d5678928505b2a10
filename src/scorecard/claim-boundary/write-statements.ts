// Writes the lock of public text. Apart from who reads it: this takes a parser of Markdown, which is two hundred files.
import { readBlocks } from './blocks.ts';
import { statementOf } from './statements.ts';

/** Returns the lock of these documents, one block a line. `documents`: path and text of each. */
export function writeStatements(documents: readonly (readonly [path: string, text: string])[]): string {
  const lines = documents.flatMap(([path, text]) =>
    readBlocks(text).blocks.map((block) => `\n    ${JSON.stringify(statementOf(path, block))}`),
  );
  return `{\n  "schema": "agilab.statements.v1",\n  "blocks": [${lines.join(',')}\n  ]\n}\n`;
}

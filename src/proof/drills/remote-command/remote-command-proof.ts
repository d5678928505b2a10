// The remote-command guard, its drills, and the encoders of words and readers of lines that people really write.
import { parse } from 'shell-quote';
import type { LineReading } from '../../../ssh/existing-line.ts';
import type { Encoder } from '../../../ssh/fragments/word.ts';
import { observeWith, remoteCommand } from '../../../ssh/remote-command.ts';
import { defineHouseProof, type Proof } from '../../proof.ts';
import { remoteCommandDrills } from './remote-command-drills.ts';
import { remoteCommandTables, tableDrills } from './table-drills.ts';

const encoders: Readonly<Record<string, Encoder>> = {
  'encoder.identity': (text) => text,
  'encoder.bare-single-quotes': (text) => `'${text}'`,
  'encoder.double-quotes': (text) => `"${text}"`,
  'encoder.json': (text) => JSON.stringify(text),
  'encoder.backslash': (text) => text.replaceAll(/[^\w/.-]/g, '\\$&'),
};

type Reader = (
  line: string,
  variables: { readonly home: string; readonly path: string },
) => Promise<LineReading>;

const readers: Readonly<Record<string, Reader>> = {
  'reader.splitter': async (line, { home, path }) => {
    const words = parse(line, { HOME: home, PATH: path });
    const isPlain = words.every((word) => typeof word === 'string');
    return isPlain ? { words: words as readonly string[] } : { unread: 'an operator' };
  },
  'reader.blanks': async (line) => ({ words: line.split(' ') }),
  'reader.all-unread': async () => ({ unread: 'a command substitution' }),
};

export const remoteCommandProof: Proof = defineHouseProof({
  guard: remoteCommand,
  excused: {
    readsBack: 'a broken encoder alone makes it bad: see the broken looks',
  },
  drills: [...remoteCommandDrills, ...tableDrills],
  tables: remoteCommandTables,
  brokenLooks: [
    ...Object.entries(encoders).map(([id, encode]) => ({ id, observe: observeWith({ encode }) })),
    ...Object.entries(readers).map(([id, read]) => ({ id, observe: observeWith({ read }) })),
  ],
});

// Journals whose lines are not those that were written: changed, moved, taken out, cut, repeated.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { FIRST_SEGMENT } from '../../../evidence/journal-files.ts';
import type { EvidenceRecord } from '../../../evidence/record.ts';
import type { JournalRequest } from '../../../guards/journal/evidence-journal.ts';
import type { Drill } from '../../proof.ts';
import { change, drill, lines, seal, text, write } from './sealed-journal.ts';

const NO_RECORD = 'journal.not-a-record';
const ORDER = 'journal.out-of-order';
const CHAIN = 'journal.broken-chain';

export const lineDrills: readonly Drill<JournalRequest>[] = [
  drill(
    'no-json',
    'a line that is no JSON',
    NO_RECORD,
    lines((all) => all.with(1, '{')),
  ),
  drill(
    'foreign-field',
    'a field that no record has',
    NO_RECORD,
    lines((all) => all.with(2, `{"note":"",${all[2]?.slice(1)}`)),
  ),
  drill(
    'deleted',
    'a line taken out',
    ORDER,
    lines((all) => all.toSpliced(1, 1)),
  ),
  drill(
    'swapped',
    'two lines swapped',
    ORDER,
    lines(([a = '', b = '', c = '', ...rest]) => [a, c, b, ...rest]),
  ),
  drill(
    'repeated',
    'a line repeated',
    ORDER,
    lines((all) => all.toSpliced(1, 0, all[1] ?? '')),
  ),
  drill(
    'edited',
    'a refusal turned into an allowance',
    CHAIN,
    lines((all) => all.with(1, all[1]?.replace('"refuse"', '"allow"') ?? '')),
  ),
  drill(
    'unchained',
    'a first line that follows on something unseen',
    CHAIN,
    lines((all) => all.with(0, all[0]?.replace('"prev":"0', '"prev":"1') ?? '')),
  ),
  drill('same-id', 'two records of one id, sealed', 'journal.duplicate-id', async (sealed) => {
    await change(sealed.directory, FIRST_SEGMENT, (text) => {
      const all = text.split('\n').slice(0, -1);
      const { id } = JSON.parse(all.at(-2) ?? '') as EvidenceRecord;
      const last = JSON.parse(all.at(-1) ?? '') as EvidenceRecord;
      return `${all.with(-1, JSON.stringify({ ...last, id })).join('\n')}\n`;
    });
    await seal(sealed); // the writer itself would not take it
    return undefined;
  }),
  drill(
    'half-line',
    'a crash left half a line',
    'journal.torn-tail',
    text(FIRST_SEGMENT, (all) => `${all}{"sch`),
  ),
  drill(
    'cut-line',
    'the last line lost its end',
    'journal.torn-tail',
    text(FIRST_SEGMENT, (all) => all.slice(0, -9)),
  ),
  drill(
    'cut',
    'the last line taken away',
    'journal.missing-lines',
    lines((all) => all.slice(0, -1)),
  ),
  drill(
    'emptied',
    'every line taken away',
    'journal.missing-lines',
    text(FIRST_SEGMENT, () => ''),
  ),
  drill(
    'rewritten',
    'every line rewritten, well chained',
    'journal.rewritten',
    async ({ directory, elsewhere }) => {
      await write(elsewhere, undefined);
      await cp(join(elsewhere, FIRST_SEGMENT), join(directory, FIRST_SEGMENT));
      return undefined;
    },
  ),
  drill(
    'edited-last',
    'the last line edited, where no chain tells',
    'journal.rewritten',
    lines((all) => all.with(-1, all.at(-1)?.replace('"refuse"', '"allow"') ?? '')),
  ),
];

// Writes docs/models.md: which models load, tried with every scikit-learn that there is. The first is Debian 12's; others
// are commands in GUARDRAILS_SKLEARNS, separated by `;`, such as `chroot /opt/trixie python3`.
import { Buffer } from 'node:buffer';
import { writeFileSync } from 'node:fs';
import { inspectPickle } from '../src/capacity/forest/inspect.ts';
import { decodeModel } from '../src/capacity/forest/model.ts';
import { DEBIAN_PYTHON, differingBits, doubles, runPython } from '../test/capacity/forest/oracle.ts';

interface Model {
  readonly kind: string;
  readonly refused: string | null;
  readonly files: readonly { readonly container: string; readonly bytes: string }[];
  readonly width: number;
  readonly rows: string;
  readonly together: string;
  readonly alone: string;
}

interface Models {
  readonly sklearn: string;
  readonly numpy: string;
  readonly joblib: string;
  readonly models: readonly Model[];
}

/** What becomes of a model in all its files: one word for all, or it is a mistake of ours. */
function outcome({ refused, files, width, rows, together, alone }: Model): string {
  const outcomes = files.map(({ bytes }) => {
    const file = Buffer.from(bytes, 'base64');
    if (refused !== null) return `refused: \`${inspectPickle(file).reason?.code}\``;
    const flat = doubles(rows);
    const all = Array.from({ length: flat.length / width }, (_, i) => [
      ...flat.subarray(i * width, (i + 1) * width),
    ]);
    const model = decodeModel(file);
    const single = all.map((row) => model.predict([row])[0] ?? Number.NaN);
    const differ = [
      ...differingBits(model.predict(all), doubles(together)),
      ...differingBits(single, doubles(alone)),
    ];
    return differ.length === 0 ? 'equal' : 'DIFFERS';
  });
  const [first = 'nothing', ...others] = new Set(outcomes);
  if (others.length > 0 || first === 'DIFFERS') throw new Error('a model of two answers');
  return first;
}

const commands = (process.env['GUARDRAILS_SKLEARNS'] ?? '').split(';').filter((command) => command !== '');
const models = new URL('../test/capacity/models.py', import.meta.url);
const tried = [DEBIAN_PYTHON, ...commands.map((command) => command.trim().split(' '))].map(
  (command) => JSON.parse(runPython(command, models)) as Models,
);
const kinds = [...new Set(tried.flatMap(({ models: made }) => made.map(({ kind }) => kind)))];
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const table = [
  row('what is in the file', ...tried.map(({ sklearn }) => sklearn)),
  row('---', ...tried.map(() => '---')),
  ...kinds.map((kind) =>
    row(
      kind,
      ...tried.map(({ models: made }) => {
        const model = made.find((one) => one.kind === kind);
        return model ? outcome(model) : '';
      }),
    ),
  ),
].join('\n');

const by = tried
  .map(({ sklearn, numpy, joblib }) => `${sklearn} (numpy ${numpy}, joblib ${joblib})`)
  .join(', ');
const versions = Array.from({ length: 10 }, (_, minor) => {
  const exact = tried.find(({ sklearn }) => sklearn.startsWith(`1.${minor}.`));
  return row(
    `1.${minor}`,
    exact
      ? `bit by bit, with ${exact.sklearn}`
      : 'by format: its files are read by what its source writes; its predictions were not compared',
  );
});

writeFileSync(
  new URL('../docs/models.md', import.meta.url),
  `<!-- Written by \`npm run docs:models\`. -->
# Which models load
<!-- claim: capacity-model, test/capacity/models.test.ts -->

\`guardrails model inspect FILE\` says it for a file: in its first line what the file is and whether it would load, and
with \`--json\` everything. Nothing of a file is ever executed; what is read here are numbers.

A model that loads predicts what the scikit-learn that wrote it predicts (n_jobs=None), in every bit. What would differ
in any bit is refused by name.

## Files
<!-- claim: capacity-model, test/capacity/container/open.test.ts -->

| file | |
| --- | --- |
| pickle, protocols 0 to 5 | loads; VotingRegressor from protocol 2 on |
| joblib, uncompressed | loads |
| joblib, zlib or gzip | loads; inflated once, to at most 256 MiB and 16 times the file (32 MiB for small ones) |
| joblib, bz2, xz, lzma or lz4 | refused: dump it again with \`compress=0\` or \`compress=3\` |
| joblib before 0.10 (several files) | refused: dump it again |
| more than 10,000 estimators and other objects, or far more structure than numbers | refused: train it again with fewer |
| HDF5, ONNX, zip of PyTorch or skops, Git LFS pointer, text | refused by name |

The bytes that a sidecar vouches for are those of the file as it is, compressed or not.

## Versions of scikit-learn
<!-- claim: test/capacity/models.test.ts -->

| version | how its predictions were compared |
| --- | --- |
${versions.join('\n')}

Forests of 1.0 and 1.1 load; their histogram boosting does not. Files of any other version are refused by \`model.version\`.

## Models
<!-- claim: test/capacity/models.test.ts -->

Each was made by the scikit-learn in the head of its column and saved in seven ways: pickle protocols 2 to 5, joblib
uncompressed, zlib and gzip. \`equal\`: from all seven, every bit of every row, all rows in one call and each row alone.
Made by ${by}.

${table}

Also refused, because they are not exact here: a log link (poisson and gamma of histogram boosting) and targets through
exp, whose last bits depend on the processor; categorical features. A forest predicts as with \`n_jobs=None\`, whatever it was
saved with: above 1 scikit-learn itself differs from run to run.

## A model that lies in something else
<!-- claim: test/capacity/models.test.ts -->

A search is unwrapped to its \`best_estimator_\`, wherever it stands; a dict, list or tuple to the one model in it. Where there are several,
say which: \`--at "['model']"\`, \`--at [0]\`, \`--at best_estimator_\`, as Python would write it. The record in the
journal says what was unwrapped, and what lay beside the model and is not applied, such as a scaler in the same dict.

## Many rows, again and again
<!-- claim: test/capacity/threads/model-threads.test.ts -->

A process that predicts some thousand rows at a time, many times, may use more than one processor. Starting a thread costs as
much as predicting ten thousand rows, so for one call it does not pay. The file is read once more, and has to hold the bytes that
the guard verified. Calls of 120 rows and more are walked in WebAssembly. Fewer are walked in JavaScript, more slowly in a process
that has ever transferred a buffer (\`structuredClone\` or \`postMessage\` with a transfer list): V8 checks every buffer more often
once any has been given away.

\`\`\`ts
import { openThreads } from 'agilab-guardrails/capacity';

await using threads = await openThreads(model, { threads: 2 }); // a model that the guard granted
const answers = threads.predict(rows); // the same bits, the same refusals
\`\`\`

## How to go on with what does not load
<!-- no-claim: howto -->

- Of a search with a scorer or distributions of its own, save the winner: \`joblib.dump(search.best_estimator_, path)\`.
- A model of an old scikit-learn: load it there, where it is trusted, and train it again with a newer one.
- Everything else (linear models, classifiers, neural networks): export it to ONNX in Python, for example with
  skl2onnx, and run it with onnxruntime. ONNX computes in other steps: expect other last digits, and with thresholds in
  float32 sometimes another leaf. Verify the exported file as you would any other: by a digest that you keep elsewhere.
`,
);

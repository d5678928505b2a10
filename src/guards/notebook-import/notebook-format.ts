// The notebook format 4.0 to 4.5, as https://nbformat.readthedocs.io/en/latest/format_description.html describes it and as strict as
// nbformat's own schemas: a key that the format does not know is refused where they refuse it. The minor version decides.
import * as z from 'zod';

/** A text, or its parts, to be joined with nothing between them. */
const multiline = z.union([z.string(), z.array(z.string())]);
const count = z.union([z.int().min(0), z.null()]);
const object = z.looseObject({});
/** What is JSON may be anything (4.0: `application/json`; since then `application/*+json` too). */
const isJson = (mime: string): boolean => /^application\/(?:.*\+)?json$/.test(mime);
const mimeBundle = z
  .record(z.string(), z.unknown())
  .refine((bundle) =>
    Object.entries(bundle).every(([mime, data]) => isJson(mime) || multiline.safeParse(data).success),
  );

const output = z.discriminatedUnion('output_type', [
  z.strictObject({
    output_type: z.literal('execute_result'),
    execution_count: count,
    data: mimeBundle,
    metadata: object,
  }),
  z.strictObject({ output_type: z.literal('display_data'), data: mimeBundle, metadata: object }),
  z.strictObject({ output_type: z.literal('stream'), name: z.string(), text: multiline }),
  z.strictObject({
    output_type: z.literal('error'),
    ename: z.string(),
    evalue: z.string(),
    traceback: z.array(z.string()),
  }),
]);

const cellMetadata = z.looseObject({
  name: z.string().regex(/^.+$/).optional(),
  tags: z
    .array(z.string().regex(/^[^,]+$/))
    .refine((tags) => new Set(tags).size === tags.length)
    .optional(),
  jupyter: object.optional(),
});
const textMetadata = cellMetadata.extend({ format: z.string().optional() });
const codeMetadata = cellMetadata.extend({
  collapsed: z.boolean().optional(),
  scrolled: z.union([z.boolean(), z.literal('auto')]).optional(),
  execution: z.record(z.string(), z.string()).optional(),
});
const attachments = z.record(z.string(), mimeBundle).optional();

/** The cells of a version. Since 4.5 each has an id; before, none has. */
function cellsWith<Id extends z.ZodRawShape>(id: Id) {
  return z.array(
    z.discriminatedUnion('cell_type', [
      z.strictObject({
        ...id,
        cell_type: z.literal('code'),
        metadata: codeMetadata,
        source: multiline,
        outputs: z.array(output),
        execution_count: count,
      }),
      z.strictObject({
        ...id,
        cell_type: z.literal('markdown'),
        metadata: textMetadata,
        source: multiline,
        attachments,
      }),
      z.strictObject({
        ...id,
        cell_type: z.literal('raw'),
        metadata: textMetadata,
        source: multiline,
        attachments,
      }),
    ]),
  );
}

const notebookMetadata = z.looseObject({
  kernelspec: z
    .looseObject({ name: z.string(), display_name: z.string(), language: z.unknown().optional() })
    .optional(),
  language_info: z
    .looseObject({
      name: z.string(),
      codemirror_mode: z.union([z.string(), object]).optional(),
      file_extension: z.string().optional(),
      mimetype: z.string().optional(),
      pygments_lexer: z.string().optional(),
    })
    .optional(),
  orig_nbformat: z.int().min(1).optional(),
  title: z.string().optional(),
  authors: z.array(z.unknown()).optional(),
});

const version = (minor: z.ZodType<number>, cells: z.ZodType<readonly Cell[]>): z.ZodType<Notebook> =>
  z.strictObject({ metadata: notebookMetadata, nbformat: z.literal(4), nbformat_minor: minor, cells });

interface Cell {
  readonly cell_type: 'code' | 'markdown' | 'raw';
  readonly id?: string | undefined;
  readonly source: string | readonly string[];
}

/** What is judged of a notebook. Everything else is checked against the format, and looked through for secrets. */
export interface Notebook {
  readonly metadata: {
    /** The schema says nothing of `language`. */
    readonly kernelspec?: { readonly language?: unknown } | undefined;
    readonly language_info?: { readonly name: string } | undefined;
  };
  readonly nbformat_minor: number;
  readonly cells: readonly Cell[];
}

const WITHOUT_IDS = version(z.int().min(0).max(4), cellsWith({}));
const WITH_IDS = version(z.literal(5), cellsWith({ id: z.string().regex(/^[a-zA-Z0-9-_]{1,64}$/) }));

/** The versions that are read: 4.0 to 4.5. */
export function isKnownVersion(json: unknown): boolean {
  const { nbformat, nbformat_minor: minor } = (json ?? {}) as Record<string, unknown>;
  return nbformat === 4 && typeof minor === 'number' && minor >= 0 && minor <= 5;
}

/** Returns the notebook, or where it departs from its format: kinds and places, never what stands there. */
export function readNotebook(json: unknown): { readonly notebook: Notebook } | { readonly why: string } {
  const { nbformat_minor: minor } = (json ?? {}) as Record<string, unknown>;
  const { success, data, error } = (minor === 5 ? WITH_IDS : WITHOUT_IDS).safeParse(json);
  if (success) return { notebook: data };
  const [issue] = error.issues;
  const [part, index] = issue?.path ?? [];
  const place =
    part === 'cells' && typeof index === 'number'
      ? `cell ${index + 1}`
      : part === 'cells'
        ? 'its cells'
        : 'its head';
  return { why: `${issue?.code ?? 'invalid'} in ${place}` };
}

/** The text of a cell. */
export const sourceOf = ({ source }: Cell): string => (typeof source === 'string' ? source : source.join(''));

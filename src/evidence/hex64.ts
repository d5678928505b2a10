// The schema of a SHA-256 as it is written everywhere: lowercase hex, so that one digest has one spelling.
import * as z from 'zod';

export const hex64: z.ZodString = z.string().regex(/^[0-9a-f]{64}$/);

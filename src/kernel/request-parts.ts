// Parts of requests that many guards take.
import * as z from 'zod';
import { parseVerifierKey } from '../evidence/keys.ts';

/** A path, absolute or below one that stands beside it; which, the look knows. */
export const path: z.ZodString = z.string().min(1).max(4_096);

/** One that the kernel takes: PATH_MAX, 4096, counts the NUL at its end. */
export const absolutePath: z.ZodString = z.string().regex(/^\/[^\0]{0,4094}$/);

/** The public key of somebody whose word counts, `name+hash+base64`, in its one spelling. */
export const verifierKey: z.ZodString = z
  .string()
  .max(400)
  .refine((text) => {
    try {
      return parseVerifierKey(text).vkey === text;
    } catch {
      return false;
    }
  });

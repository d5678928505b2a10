// What a target does with a file of JSON that ours parses strictly: beside JSON.parse and a schema that was written by hand.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { CodedError } from '../../src/evidence/coded-error.ts';

/** Returns a judge of inputs: what ours takes, JSON.parse and the schema take; and ours fails in no other way than it says. */
export function strictFile(
  parse: (bytes: Uint8Array) => unknown,
  schema: object,
  codes: RegExp,
): (bytes: Uint8Array) => void {
  const holds = new Ajv2020({ allErrors: false }).compile(schema);
  return (bytes) => {
    try {
      parse(bytes);
    } catch (error) {
      if (error instanceof CodedError && codes.test(error.code)) return;
      throw error;
    }
    const text = Buffer.from(bytes).toString('utf8');
    if (!holds(JSON.parse(text))) throw new Error('ours takes what the schema does not');
  };
}

// A line to the served guards beside JSON.parse: one line of JSON comes back, under the id that was asked with or none, and an
// address is granted only where the request says loopback.
import { isDeepStrictEqual } from 'node:util';
import { answerLine } from '../../../src/serve/protocol.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const journal = { append: async () => {} };
const never = new AbortController().signal;

interface Answer {
  readonly id: unknown;
  readonly decision: unknown;
  readonly codes: readonly unknown[];
  readonly grant: unknown;
}

function idOf(bytes: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) as { id?: unknown } | null)?.id;
  } catch {
    return undefined;
  }
}

const asked = (id: unknown, request: unknown, guard = 'bind'): string =>
  JSON.stringify({ id, guard, request });
const bind = (value: unknown, port = 8501): object => ({ sources: [{ from: 'cli', value }], port });

export const target = {
  name: 'serve-line',
  oracle: 'JSON.parse',
  seeds: [
    asked(1, bind('127.0.0.1')),
    asked('a', bind('0.0.0.0')),
    asked(2, bind(['[::1]:8501', '127.0.0.1'])),
    asked(
      3,
      {
        report: {
          status: 'running',
          workers_running_count: 1,
          workers_unhealthy_count: 0,
          workers_restarted_count: 0,
        },
      },
      'service-health',
    ),
    asked(4, { kind: 'settings', settings: { __meta__: { version: 1 } } }, 'recovery'),
    asked(5, {}, 'none'),
    '{"id": 1}',
    '',
  ].map(bytesOf),
  words: [
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"id":1,',
    '"guard":"bind",',
    '"predict":[[1]],',
    'null',
    '1e400',
    '\\ud800',
    '\0',
    '127.0.0.1',
    '::',
    '*',
    '[[[[',
  ],
  async fuzz(bytes) {
    const text = await answerLine(bytes, journal, never);
    if (text.indexOf('\n') !== text.length - 1) throw new Error('the answer is not one line');
    const answer = JSON.parse(text) as Answer;
    if (answer.id !== null && !isDeepStrictEqual(answer.id, idOf(bytes)))
      throw new Error('the answer is to another id');
    const allowed = answer.decision === 'allow';
    if (allowed !== (answer.grant !== null) || allowed !== (answer.codes.length === 0))
      throw new Error('the answer says two things');
    if (allowed && answer.id === null) throw new Error('granted to nobody');
  },
} satisfies FuzzTarget;

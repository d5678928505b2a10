// Asks a Dask scheduler for its workers. Its `/health` says ok with no worker at all, so only `/json/identity.json` counts,
// and ages are taken by the clock that wrote them.
import { request } from 'node:http';
import { errnoOf } from '../../evidence/coded-error.ts';
import { MAX_REPORT_BYTES, parseReport, readDaskIdentity, type WorkerSeen } from './health-report.ts';

export interface DaskLook {
  /** `undefined` when the scheduler did not show them. */
  readonly workers: readonly WorkerSeen[] | undefined;
  readonly why: string;
}

interface Answer {
  readonly status: number | undefined;
  readonly date: string | undefined;
  readonly age: string | undefined;
  readonly body: Buffer;
}

async function get(url: string, signal: AbortSignal): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    // An agent of its own: no connection is kept, and no proxy of the environment is asked.
    const options = { signal, agent: false, headers: { 'cache-control': 'no-cache' } };
    const asked = request(`${url}/json/identity.json`, options, (answer) => {
      const chunks: Buffer[] = [];
      let total = 0;
      answer.on('data', (chunk: Buffer) => {
        total += chunk.length;
        if (total > MAX_REPORT_BYTES) answer.destroy(new Error('too large'));
        else chunks.push(chunk);
      });
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode,
          date: answer.headers.date,
          age: answer.headers.age,
          body: Buffer.concat(chunks),
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** Returns the workers that the scheduler shows, aged by its own clock (RFC 9110 section 6.6.1). Follows no redirection. */
export async function fetchIdentity(url: string, signal: AbortSignal): Promise<DaskLook> {
  let answer: Answer;
  try {
    answer = await get(url, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    return { workers: undefined, why: `it does not answer (${errnoOf(error)})` };
  }
  const now = Date.parse(answer.date ?? '') / 1_000;
  if (answer.status !== 200) return { workers: undefined, why: `it answered ${answer.status ?? 'nothing'}` };
  if (Number.isNaN(now)) return { workers: undefined, why: 'its answer has no date' };
  // A cache says so (RFC 9111 section 5.1), and keeps the date beside what was true then.
  if (answer.age !== undefined) return { workers: undefined, why: 'its answer comes from a cache' };
  const workers = readDaskIdentity(parseReport(answer.body), now);
  return workers ? { workers, why: '' } : { workers, why: 'its answer is no identity of a scheduler' };
}

// Both transports, for suites that hold for each: what a connection promises does not depend on who carries it.
import type { Transport } from '../../src/ssh/transport/connect.ts';
import { missing } from '../ssh/support.ts';

/** Where there is no ssh client, the embedded transport alone. */
export const transports: readonly Transport[] = missing('ssh') ? ['ssh2'] : ['ssh2', 'openssh'];

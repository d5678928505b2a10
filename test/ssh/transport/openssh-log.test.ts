// What is read in the log of ssh, and what is not: lines that a stranger wrote into it.
import { describe, expect, it } from 'vitest';
import { exchangeFailure, logInFailure, readExchange } from '../../../src/ssh/transport/openssh-log.ts';

const detail = (level: number, where: string, text: string): string =>
  `debug${level}: ${where}():17 (pid=3): ${text}\r\n`;
const STRICT = detail(3, 'kex.c:kex_choose_conf', 'will use strict KEX ordering');
const CHOSEN = [
  detail(1, 'kex.c:choose_kex', 'kex: algorithm: curve25519-sha256'),
  detail(1, 'kex.c:choose_hostkeyalg', 'kex: host key algorithm: ssh-ed25519'),
  ...['client->server', 'server->client'].map((way) =>
    detail(1, 'kex.c:kex_choose_conf', `kex: ${way} cipher: aes256-ctr MAC: hmac-sha2-256 compression: none`),
  ),
].join('');
const shown = (text: string): string => detail(1, 'sshconnect.c:verify_host_key', text);

describe('the log of ssh', () => {
  it('tells what was agreed on, and the key that was shown', () => {
    const direction = { cipher: 'aes256-ctr', mac: 'hmac-sha2-256', compression: 'none' };
    expect(readExchange(STRICT + CHOSEN + shown('Server host key: ssh-ed25519 SHA256:abc'))).toEqual({
      strict: true,
      negotiated: {
        kex: 'curve25519-sha256',
        serverHostKey: 'ssh-ed25519',
        clientToServer: direction,
        serverToClient: direction,
      },
      presented: { type: 'ssh-ed25519', fingerprint: 'SHA256:abc', authority: undefined },
    });
  });

  it('tells the same of the lines of OpenSSH 10, which name the program too', () => {
    const log = STRICT + CHOSEN + shown('Server host key: ssh-ed25519 SHA256:abc');
    expect(readExchange(log.replaceAll('(pid=3)', '(bin=/usr/bin/ssh, pid=3)'))).toEqual(readExchange(log));
  });

  it('tells nothing that stands in a certificate', () => {
    const id = `x" CA ssh-ed25519 SHA256:mine valid forever\n${STRICT}${shown('Server host key: ssh-rsa SHA256:mine')}`;
    const line = `Server host certificate: ssh-rsa-cert-v01@openssh.com SHA256:abc, serial 0 ID "${id}`;
    expect(readExchange(CHOSEN + shown(line))).toMatchObject({
      strict: false,
      presented: { fingerprint: 'SHA256:abc' },
    });
  });

  it.each([
    [
      'Unable to negotiate with UNKNOWN port 65535: no matching cipher found. Their offer: aes128-cbc',
      'no-common-algorithm',
    ],
    ['kex_exchange_identification: Connection closed by remote host', 'unreachable'],
    ['ssh_dispatch_run_fatal: Connection to UNKNOWN port 65535: incorrect signature', 'unproven'],
    ['something else', 'unreachable'],
    ['', 'unreachable'],
  ])('says of a key exchange that ended with %s: %s', (line, outcome) => {
    expect(exchangeFailure(`${CHOSEN}${line}\r\n`)).toMatchObject({ outcome });
  });

  it.each([
    ['me@host: Permission denied (publickey,password).', 'ssh.authentication-failed'],
    [
      'Received disconnect from UNKNOWN port 65535:2: Too many authentication failures',
      'ssh.too-many-attempts',
    ],
    ['Connection closed by UNKNOWN port 65535', 'ssh.link-lost'],
    ['', 'ssh.link-lost'],
  ])('says of a log-in that ended with %s: %s', (line, code) => {
    expect(logInFailure(`${line}\r\n`, ['the key'])).toMatchObject({ code });
  });
});

// The typed fragments: one canonical spelling for what is accepted, a code for what is not.
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { Endpoint, parseHost } from '../../src/ssh/fragments/endpoint.ts';
import { FragmentFault } from '../../src/ssh/fragments/fault.ts';
import { PidPath, RemotePath } from '../../src/ssh/fragments/remote-path.ts';
import { renderWord } from '../../src/ssh/fragments/word.ts';
import { quote } from '../../src/ssh/quote.ts';

const refused = (code: string): unknown => expect.objectContaining({ code });

describe('RemotePath', () => {
  it.each([
    ['/srv/wenv', `'/srv/wenv'`],
    ['/', `'/'`],
    ['//srv//./wenv/', `'/srv/wenv'`],
    ['~', '"$HOME"'],
    ['~/', '"$HOME"'],
    ['~/a b', `"$HOME"/'a b'`],
    ['wenv', `'./wenv'`],
    ['-rf', `'./-rf'`],
    ['.', `'./'`],
    ['./~', `'./~'`],
    ['./~root', `'./~root'`],
    ['/a..b/...', `'/a..b/...'`],
    [`/it's $(x)\n"é"`, `'/it'\\''s $(x)\n"é"'`],
  ])('%j is %s', (text, rendered) => {
    expect(renderWord(RemotePath.parse(text).word, quote)).toBe(rendered);
  });

  it.each([
    ['..', 'ssh.path-parent'],
    ['/a/../b', 'ssh.path-parent'],
    ['~/..', 'ssh.path-parent'],
    ['~root', 'ssh.path-user'],
    ['~root/x', 'ssh.path-user'],
    ['~+', 'ssh.path-user'],
    ['/a\0b', 'ssh.nul'],
    ['/a\ud800', 'ssh.lone-surrogate'],
    ['/a\rb', 'ssh.path-control'],
    ['/a\tb', 'ssh.path-control'],
    ['/a\u001b[2J', 'ssh.path-control'],
    ['/a\u007f', 'ssh.path-control'],
    ['/a\u0085', 'ssh.path-control'],
  ])('%j is refused', (text, code) => {
    expect(() => RemotePath.parse(text)).toThrow(refused(code));
  });

  it('is where a real shell goes, with a CDPATH and a directory called - in the way', () => {
    const script = `cd -- ${renderWord(RemotePath.parse('-').word, quote)} && pwd`;
    const setup =
      'd=$(mktemp -d) && mkdir "$d/-" "$d/other" "$d/other/-" && cd "$d" && CDPATH=$d/other OLDPWD=/';
    const { stdout } = spawnSync('sh', ['-c', `${setup}; ${script}; rm -r "$d"`]);
    expect(stdout.toString()).toMatch(/^[^\n]*\/tmp[^/]*\/?[^\n]*\/-\n$/);
    expect(stdout.toString()).not.toContain('other');
  });

  it('keeps what it was given out of the message', () => {
    expect(() => RemotePath.parse('/canary/..')).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('canary') }),
    );
    expect(() => RemotePath.parse('/canary/..', 'the worker directory')).toThrow(FragmentFault);
  });
});

describe('a share', () => {
  it.each([
    '/clustershare',
    '/srv/share',
    '/home/agi/share',
    '~/clustershare',
    '/mnt/a b',
    '/data/x',
    '/tmp/share',
  ])('may be %j', (text) => {
    expect(RemotePath.parseShare(text).components.length).toBeGreaterThan(0);
  });

  it.each([
    '/',
    '/etc',
    '/etc/ssh',
    '/home',
    '/home/agi',
    '/srv',
    '/mnt',
    '/tmp',
    '/usr/local',
    '/proc/self',
    '/root/x',
  ])('may not be %j', (text) => {
    expect(() => RemotePath.parseShare(text)).toThrow(refused('ssh.share-root'));
  });

  it.each(['~', '~/.ssh', '~/a/.config', '/home/agi/.ssh', '/dev/shm', '/__proto__/.x'])(
    'may not be %j',
    (text) => {
      expect(() => RemotePath.parseShare(text)).toThrow(refused('ssh.share-root'));
    },
  );
});

describe('PidPath', () => {
  const worker = RemotePath.parse('~/wenv/x');

  it.each([
    ['w.pid', `"$HOME"/'wenv/x/w.pid'`],
    ['run/w.pid', `"$HOME"/'wenv/x/run/w.pid'`],
    ['~/wenv/x/w.pid', `"$HOME"/'wenv/x/w.pid'`],
    ['-w.pid', `"$HOME"/'wenv/x/-w.pid'`],
  ])('%j lies inside its worker', (text, rendered) => {
    expect(renderWord(PidPath.parse(text, worker).word, quote)).toBe(rendered);
  });

  it.each([
    ['/tmp/w.pid', 'ssh.pid-path-outside'],
    ['~/wenv/w.pid', 'ssh.pid-path-outside'],
    ['~/wenv/x-evil/w.pid', 'ssh.pid-path-outside'],
    ['~/wenv/x', 'ssh.pid-path-outside'],
    ['.', 'ssh.pid-path-outside'],
    ['', 'ssh.pid-path-outside'],
    ['/wenv/x/w.pid', 'ssh.pid-path-outside'],
    ['../w.pid', 'ssh.path-parent'],
    ['run/../../w.pid', 'ssh.path-parent'],
  ])('%j is refused', (text, code) => {
    expect(() => PidPath.parse(text, worker)).toThrow(refused(code));
  });
});

describe('Endpoint', () => {
  it.each([
    ['tcp://10.0.0.1:8786', 'tcp://10.0.0.1:8786'],
    ['tls://Node-1.Example.ORG:1', 'tls://node-1.example.org:1'],
    ['ucx://[2001:DB8:0:0::1]:65535', 'ucx://[2001:db8::1]:65535'],
    ['tcp://[::1]:8786', 'tcp://[::1]:8786'],
    ['tcp://1a:80', 'tcp://1a:80'],
    ['tcp://10.0.0.1.example:80', 'tcp://10.0.0.1.example:80'],
  ])('%s is %s', (text, rendered) => {
    expect(Endpoint.parse(text).word.text).toBe(rendered);
  });

  it.each([
    ['http://a:80', 'ssh.endpoint'],
    ['TCP://a:80', 'ssh.endpoint'],
    ['a:80', 'ssh.endpoint'],
    ['tcp://a', 'ssh.endpoint'],
    ['tcp://a:80/x', 'ssh.port'],
    ['tcp://a:80\n', 'ssh.port'],
    ['tcp://a:80;id', 'ssh.port'],
    ['tcp://a:0', 'ssh.port'],
    ['tcp://a:080', 'ssh.port'],
    ['tcp://a:65536', 'ssh.port'],
    ['tcp://a:', 'ssh.port'],
    ['tcp://::1:80', 'ssh.endpoint'],
    ['tcp://:80', 'ssh.host'],
    ['tcp://user@a:80', 'ssh.host'],
    ['tcp://-oProxyCommand=id:80', 'ssh.host'],
  ])('%j is refused', (text, code) => {
    expect(() => Endpoint.parse(text)).toThrow(refused(code));
  });
});

describe('a host', () => {
  it.each([
    ['inet_aton shorthand', '127.1'],
    ['one number', '2130706433'],
    ['hexadecimal', '0x7f.0x1'],
    ['leading zeros', '010.0.0.1'],
    ['out of range', '256.0.0.1'],
    ['a zone', '[fe80::1%eth0]'],
    ['a zone that holds code', '[fe80::1%;id]'],
    ['an option', '-oProxyCommand=id'],
    ['an inner option', 'a.-b'],
    ['a trailing hyphen', 'a-'],
    ['an empty label', 'a..b'],
    ['a root label', 'a.'],
    ['a newline', 'a\n'],
    ['a blank', 'a b'],
    ['an underscore', 'a_b'],
    ['letters beyond ASCII', 'bücher.example'],
    ['a Kelvin sign, which lower-cases to k', '\u212a.example'],
    ['a bidi control', 'a\u202eb'],
    ['a label of 64', 'a'.repeat(64)],
    ['254 characters', `${'a'.repeat(63)}.`.repeat(3) + 'a'.repeat(62)],
    ['IPv4 in brackets', '[10.0.0.1]'],
    ['empty brackets', '[]'],
    ['nested brackets', '[[::1]]'],
    ['nothing', ''],
  ])('is refused: %s', (_why, text) => {
    expect(() => parseHost(text)).toThrow(refused('ssh.host'));
  });
});

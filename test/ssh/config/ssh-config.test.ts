// A safe part of ssh_config: first line wins, what could run a program is refused by its name. The fuzz target compares it
// with ssh itself.
import { describe, expect, it } from 'vitest';
import { lookUpHost, parseSshConfig, routeTo } from '../../../src/ssh/config/ssh-config.ts';

const look = (text: string, host = 'node1'): unknown => lookUpHost(parseSshConfig(text), host);

describe('an ssh_config', () => {
  it('says of each option what its first line for the host says', () => {
    const text = `# mine
User first
Host *.example !node1.example
  Port 1
Host node? 10.*
  HostName = 10.0.0.7
  user second
  IdentityFile ~/.ssh/id_node
  IdentitiesOnly yes
host *
  HostName 10.0.0.8
  ProxyJump gate,me@inner:2200
`;
    expect(look(text)).toEqual({
      host: '10.0.0.7',
      user: 'first',
      identityFile: '~/.ssh/id_node',
      identitiesOnly: true,
      proxyJump: [{ host: 'gate' }, { host: 'inner', user: 'me', port: 2200 }],
    });
    expect(look(text, 'a.example')).toMatchObject({ host: '10.0.0.8', port: 1 });
    expect(look(text, 'node1.example')).not.toHaveProperty('port');
  });

  it.each([
    ['ProxyCommand nc %h %p'],
    ['ProxyCommand "unfinished'],
    ['LocalCommand touch F'],
    ['PermitLocalCommand yes'],
    ['KnownHostsCommand /bin/x'],
    ['RemoteCommand id'],
    ['SecurityKeyProvider /lib/x.so'],
    ['PKCS11Provider /lib/x.so'],
    ['XAuthLocation /bin/x'],
    ['Include other'],
    ['Match exec "touch F"'],
    ['match all'],
  ])('with %s is refused by that name', (line) => {
    const name = line.split(' ')[0] ?? '';
    const attempt = (): unknown => look(`Host node1\n  ${line}\n`);
    if (line.includes('unfinished'))
      expect(attempt).toThrow(expect.objectContaining({ code: 'ssh-config.malformed' }));
    else
      expect(attempt).toThrow(
        expect.objectContaining({ code: 'ssh-config.runs-program', message: expect.stringContaining(name) }),
      );
  });

  it('refuses Match and Include wherever they stand, and other options for the hosts they are for', () => {
    expect(() => look('Host other\n  Include x\n')).toThrow('Include');
    expect(() => look('Host other\n  ProxyCommand x\n', 'other')).toThrow(
      'line 2 of the ssh_config: ProxyCommand',
    );
    expect(look('Host other\n  ProxyCommand x\n  ForwardAgent yes\nHost *\n  Port 7\n')).toMatchObject({
      port: 7,
    });
    expect(() => look('ForwardAgent yes\n')).toThrow(
      expect.objectContaining({ code: 'ssh-config.unsupported' }),
    );
    expect(() => look('IdentityFile /a\nIdentityFile /b\n')).toThrow(
      expect.objectContaining({ code: 'ssh-config.unsupported' }),
    );
  });

  it.each([
    'Port 0',
    'Port 65536',
    'Port 022',
    'Port 22 23',
    'User',
    'User "me"',
    "User 'me'",
    'User u#c',
    'User $USER',
    'HostName %h.example',
    'HostName 127.1',
    'HostName -oProxyCommand=x',
    'HostKeyAlias a b',
    'IdentityFile id_rel',
    'IdentityFile ~other/key',
    'IdentitiesOnly maybe',
    'ProxyJump a,none',
    'ProxyJump ssh://a',
    'ProxyJump -x',
    'Host a,b',
    'Port 22\r',
    '# comment\rPort 22',
    '\u00a0Port 22',
    '\ufeffPort 22',
    'Port\u000022',
    'no such line!',
    '=',
  ])('takes no %j', (line) => {
    expect(() => look(`Host node1\n${line}\n`)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ssh-config\.(?:malformed|unsupported)$/) }),
    );
  });
});

describe('the way to a host', () => {
  const text = `Host inner
  ProxyJump gate
  User deep
Host gate
  ProxyJump outer
  Port 2222
Host node1
  ProxyJump me@gate,inner
Host a
  ProxyJump b
Host b
  ProxyJump a
`;
  it('leads through the hops of its first hop, and from there only through each other', () => {
    const route = routeTo(parseSshConfig(text), { host: 'node1', port: 7 });
    expect(route.map(({ host, user, port }) => [host, user, port])).toEqual([
      ['outer', undefined, undefined],
      ['gate', 'me', 2222],
      ['inner', 'deep', undefined],
      ['node1', undefined, 7],
    ]);
  });

  it('is no circle', () => {
    expect(() => routeTo(parseSshConfig(text), { host: 'a' })).toThrow(
      expect.objectContaining({ code: 'ssh-config.hops' }),
    );
  });
});

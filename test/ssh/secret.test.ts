// Secrets: they reach the program in its environment and are nowhere else to be seen.
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import type { EvidenceDraft } from '../../src/evidence/record.ts';
import { enforce } from '../../src/kernel/enforce.ts';
import { Secret, secretInput } from '../../src/ssh/fragments/secret.ts';
import { argv } from '../../src/ssh/recipes/argv.ts';
import { dotenvMerge } from '../../src/ssh/recipes/dotenv-merge.ts';
import { remoteCommand } from '../../src/ssh/remote-command.ts';
import { lineOf } from '../../src/ssh/render.ts';
import { leftOut } from '../left-out.ts';
import { otherShells, posixShells, ShellSite, splitNul } from '../shells.ts';
import { missing } from './support.ts';

const site = new ShellSite();
afterAll(() => site.remove());
const env = { PATH: `${site.bin}:/usr/bin:/bin` };
const VALUE = `$(CANARY) ' " \\n \` ; é  `;
const secrets = { TOKEN: new Secret(VALUE), OTHER: new Secret('') };

describe('a secret', () => {
  it('shows itself to nobody who does not ask', () => {
    const secret = new Secret('canary-5d1e');
    const shown = [
      String(secret),
      JSON.stringify({ secret }),
      inspect({ secret }, { showHidden: true, depth: 9 }),
    ];
    shown.push(JSON.stringify(Object.entries(secret)), inspect(structuredClone(secret)));
    expect(shown.join()).not.toContain('canary-5d1e');
    expect(secret.reveal()).toBe('canary-5d1e');
  });

  it.each([
    ['a newline', 'a\nb', 'ssh.secret-newline'],
    ['NUL', 'a\0b', 'ssh.nul'],
    ['a lone surrogate', '\ud800', 'ssh.lone-surrogate'],
  ])('is refused with %s, and not told', (_why, value, code) => {
    expect(() => new Secret(value)).toThrow(expect.objectContaining({ code }));
    expect(() => new Secret(`canary\n${value}`)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('canary') }),
    );
  });
});

describe('a command with secrets', () => {
  it('gives them to its program in every shell, with the rest of standard input behind them', async () => {
    const script = 'read -r rest; /usr/bin/printf "%s\\0" "$TOKEN" "$OTHER" "$rest"; cat /proc/$$/cmdline';
    const request = argv(['/bin/sh', '-c', script], { prefix: { secrets: ['TOKEN', 'OTHER'] } });
    const command = await enforce(remoteCommand, request, { journal: { append: async () => {} } });
    expect(command.secrets).toEqual(['TOKEN', 'OTHER']);
    const stdin = `${secretInput(command.secrets, secrets)}the rest\n`;
    for (const shell of [...posixShells, ...otherShells]) {
      const { stdout, stderr } = await site.run(shell, lineOf(command, 'any'), { env, stdin });
      expect({ shell: shell.name, stderr }).toEqual({ shell: shell.name, stderr: '' });
      const [token, other, rest, ...cmdline] = splitNul(stdout);
      expect([token, other, rest]).toEqual([VALUE, '', 'the rest']);
      expect(cmdline.join()).not.toContain(VALUE);
    }
    expect(site.canaryRan()).toBe(false);
  });

  it('does not run without them', async () => {
    const request = argv(['CANARY'], { prefix: { secrets: ['TOKEN'] } });
    const command = await enforce(remoteCommand, request, { journal: { append: async () => {} } });
    const { code } = await site.run({ name: 'sh', argv: ['sh'] }, command.script, { env });
    expect(code).toBe(78);
    expect(site.canaryRan()).toBe(false);
  });

  it('names them and nothing more in request, record, script and grant', async () => {
    const drafts: EvidenceDraft[] = [];
    const inputs: string[] = [];
    const journal = {
      append: async (draft: EvidenceDraft, input: string) => {
        drafts.push(draft);
        inputs.push(input);
      },
    };
    const request = argv(['true'], { prefix: { secrets: ['TOKEN'] } });
    const command = await enforce(remoteCommand, request, { journal });
    secretInput(command.secrets, { TOKEN: secrets.TOKEN });
    expect(JSON.stringify([drafts, inputs, command, command.script])).not.toContain('CANARY');
  });

  it('dotenv-merge stores a secret that was in no word', leftOut(missing('python3')), async () => {
    const request = dotenvMerge({ file: '~/.env', values: { A: '1' }, prefix: { secrets: ['TOKEN'] } });
    const command = await enforce(remoteCommand, request, { journal: { append: async () => {} } });
    const stdin = secretInput(command.secrets, { TOKEN: new Secret('a b') });
    const { stdout } = await site.run({ name: 'sh', argv: ['sh'] }, `${command.script} && cat "$HOME/.env"`, {
      env,
      stdin,
    });
    expect(stdout.toString()).toBe(`${site.root}/.env\nA='1'\nTOKEN='a b'\n`);
  });

  it.each([
    ['one is missing', ['TOKEN', 'OTHER'], { TOKEN: secrets.TOKEN }],
    ['there is one too many', ['TOKEN'], secrets],
    ['one has another name', ['TOKEN'], { OTHER: secrets.OTHER }],
    ['it would come from a prototype', ['toString'], {}],
  ])('gets no input when %s', (_why, names, values) => {
    expect(() => secretInput(names, values)).toThrow(
      expect.objectContaining({ code: 'ssh.secret-mismatch' }),
    );
  });
});

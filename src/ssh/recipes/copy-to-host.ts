// Copies files to a host with the local scp: scp -s -o BatchMode=yes ... -- FILE... [USER@]HOST:PATH. `-s` (OpenSSH 8.7)
// is the SFTP protocol: in the old one the remote path would be read by the login shell once more.
import * as z from 'zod';
import { parseTarget } from '../fragments/endpoint.ts';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { words } from '../invocation.ts';
import { command, defineRecipe, port, type Recipe, type RecipeRequest } from './recipe.ts';

export interface CopyToHostRequest extends RecipeRequest<'copy-to-host'> {
  /** On this machine; relative to the working directory unless absolute or `~/rest`. */
  readonly files: readonly string[];
  readonly host: string;
  readonly user?: string | undefined;
  readonly port?: number | undefined;
  /** On the host: absolute or `~/rest`. */
  readonly destination: string;
  readonly identity?: string | undefined;
  readonly recursive?: boolean | undefined;
  /** Take the password from the environment variable SSHPASS (`prefix.secrets`) instead of a key. */
  readonly sshpass?: boolean | undefined;
}

/** Returns the request that copies files to a host with the local scp. */
export const copyToHost: Recipe<CopyToHostRequest> = defineRecipe({
  id: 'copy-to-host',
  fields: {
    files: z.array(someText).min(1).max(4_096),
    host: someText,
    user: someText.optional(),
    port: port.optional(),
    destination: someText,
    identity: someText.optional(),
    recursive: z.boolean().optional(),
    sshpass: z.boolean().optional(),
  },
  invocation: (request) => {
    const { files, host, user, port, destination, identity, recursive = false, sshpass = false } = request;
    return command(
      request.prefix,
      sshpass ? words('sshpass', '-e') : [],
      ['scp', '-s', '-o', `BatchMode=${sshpass ? 'no' : 'yes'}`, '-o', 'StrictHostKeyChecking=yes'],
      port === undefined ? [] : words('-P', String(port)),
      recursive ? '-r' : [],
      identity === undefined ? [] : words('-i', RemotePath.parse(identity, 'the identity file').word),
      '--',
      // Always with a slash before any colon, so that no local file is taken for a host.
      files.map((file) => RemotePath.parse(file, 'a file').word),
      parseTarget(host, user).scp + RemotePath.parseAnchored(destination, 'the destination').fromLogin,
    );
  },
});

// Checks that a host sees the same share as the manager: a file that the manager wrote there must hold its token.
// python3 -c CODE SHARE FILE TOKEN prints the path of the file.
import { FragmentFault } from '../fragments/fault.ts';
import { someText } from '../fragments/program.ts';
import { RemotePath } from '../fragments/remote-path.ts';
import { command, defineRecipe, type Recipe, type RecipeRequest, token } from './recipe.ts';

export interface ShareSentinelRequest extends RecipeRequest<'share-sentinel'> {
  readonly share: string;
  /** Relative to the share. */
  readonly file: string;
  /** 32 lowercase hex digits. */
  readonly token: string;
}

const CHECK = `import json, os, sys
share, name, token = sys.argv[1:]
path = os.path.join(share, name)
try:
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
except Exception as error:
    raise SystemExit("the sentinel is not visible: " + type(error).__name__)
if not isinstance(found, dict) or found.get("token") != token:
    raise SystemExit("the sentinel holds another token")
print(path)`;

/** Returns the request that checks that a host sees the manager's share. */
export const shareSentinel: Recipe<ShareSentinelRequest> = defineRecipe({
  id: 'share-sentinel',
  fields: {
    share: someText,
    file: someText,
    token,
  },
  invocation: ({ share, file, token, prefix }) => {
    const name = RemotePath.parse(file, 'the sentinel');
    if (name.base !== 'relative') throw new FragmentFault('path-anchored', 'the sentinel');
    return command(prefix, 'python3', '-c', CHECK, RemotePath.parseShare(share).word, name.word, token);
  },
});

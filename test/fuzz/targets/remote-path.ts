// RemotePath.parse: the word that it makes names the same place as the text, and isBelow() is what relative() says.
import { posix } from 'node:path';
import { FragmentFault } from '../../../src/ssh/fragments/fault.ts';
import { RemotePath } from '../../../src/ssh/fragments/remote-path.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

const HOME = '/home/u';

function ours(text: string): RemotePath | undefined {
  try {
    return RemotePath.parse(text);
  } catch (error) {
    if (error instanceof FragmentFault) return undefined;
    throw error;
  }
}

/** The place that a text names for somebody whose home and working directory are HOME. */
const placeOf = (text: string): string =>
  posix.resolve(HOME, /^~(?:\/|$)/.test(text) ? `.${text.slice(1)}` : text);

export const target = {
  name: 'remote-path',
  oracle: "Node's path module",
  seeds: [
    '/srv/app/wenv',
    '~/wenv/flight_worker\0~/wenv',
    'a/b\0a',
    '~',
    '/',
    '.',
    '',
    '/a//b/./c/\0/a',
    '-rf/x\0~x',
    "it's/$(id)/\n",
  ].map(bytesOf),
  words:
    '/ // . .. ./ ../ ~ ~/ ~root - -- $HOME * ? " \' \\ a b home etc proc .hidden \u00a0 \u2025 ／ \0 \n \u001b'.split(
      ' ',
    ),
  fuzz(bytes) {
    const [text = '', other = ''] = Buffer.from(bytes).toString('utf8').split('\0');
    const path = ours(text);
    if (path === undefined) return; // for its controls, its `..`, or another user's home
    const { word } = path;
    const place = word.underHome ? posix.resolve(HOME, word.text) : placeOf(word.text);
    if (place !== placeOf(text)) throw new Error('its word names another place');
    if (!word.underHome && !/^\.?\//.test(word.text)) throw new Error('its word may look like an option');
    const parent = ours(other);
    if (parent?.base !== path.base) return;
    const way = posix.relative(placeOf(other), placeOf(text));
    const below = way !== '' && way !== '..' && !way.startsWith('../');
    if (path.isBelow(parent) !== below) throw new Error('isBelow is not what relative() says');
  },
} satisfies FuzzTarget;

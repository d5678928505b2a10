// Endpoint.parse: what it takes for an endpoint has the host and port that a URL parser finds, in its one spelling.
import { CodedError } from '../../../src/evidence/coded-error.ts';
import { Endpoint } from '../../../src/ssh/fragments/endpoint.ts';
import { FragmentFault } from '../../../src/ssh/fragments/fault.ts';
import { bytesOf, type FuzzTarget } from '../target.ts';

function ours(text: string): Endpoint | undefined {
  try {
    return Endpoint.parse(text);
  } catch (error) {
    if (error instanceof FragmentFault || error instanceof CodedError) return undefined;
    throw error;
  }
}

/** DNS knows nothing of `xn--`, so what a URL says of the Unicode behind it is no matter here. */
const plain = (text: string): string => text.replaceAll(/xn--/gi, 'xn-a');

/** WHATWG URL of the same place. Under `http:` it reads hosts as browsers and resolvers do, shorthand included. */
function theirs(text: string): URL | undefined {
  try {
    return new URL(plain(text).replace(/^(?:tcp|tls|ucx):/, 'http:'));
  } catch {
    return undefined;
  }
}

export const target = {
  name: 'endpoint',
  oracle: "Node's WHATWG URL parser",
  seeds: [
    'tcp://10.0.0.1:8786',
    'tls://[2001:db8::1]:8786',
    'ucx://node-1:8786',
    'tcp://worker.example.org:65535',
    'tcp://[::ffff:192.0.2.1]:1',
    'tcp://127.1:80',
    'tcp://0x7f.0.0.1:8786',
    'tcp://user@node:8786',
    'tcp://xn--nxasmq6b.example:8786',
    'tcp://[fe80::1%25eth0]:8786',
  ].map(bytesOf),
  words: [
    ...'tcp:// tls:// ucx:// http:// [ ] : :: . .. - _ @ / ? # % %25 %2e \\ 0x7f 017 127.1 0 65536 256 ::1 ffff'.split(
      ' ',
    ),
    ..."K|ß|．|。|\u00ad|\u200d|ı|\0|\n|\t| |\u{1f600}|xn--|localhost|.local|$(id)|;id|`|'".split('|'),
  ],
  fuzz(bytes) {
    const text = Buffer.from(bytes).toString('utf8');
    const mine = ours(text);
    if (mine === undefined) return; // stricter than a URL on purpose
    const url = theirs(text);
    if (!url) throw new Error('ours takes what no URL parser does');
    const host = mine.host.includes(':') ? `[${mine.host}]` : mine.host;
    if (url.hostname !== plain(host) || Number(url.port || 80) !== mine.port)
      throw new Error('another host or port');
    if (url.username + url.password + url.search + url.hash !== '' || url.pathname !== '/')
      throw new Error('more than a host and a port');
    const word = `${mine.scheme}://${host}:${mine.port}`;
    if (mine.word.text !== word || !/^[a-z]+:\/\/[a-z0-9.:[\]-]+$/.test(word))
      throw new Error('another spelling');
    if (Endpoint.parse(word).word.text !== word) throw new Error('its own word reads as another endpoint');
  },
} satisfies FuzzTarget;

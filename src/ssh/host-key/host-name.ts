// What may name a host: an address, or a name that nothing takes for an address or an option.
import { isIP } from 'node:net';

const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?$/;

/** Whether the resolver would take a name for an IPv4 address (127.1, 0x7f000001): it has no line of its own then. */
function isNumeric(name: string): boolean {
  try {
    return isIP(new URL(`http://${name}`).hostname) !== 0;
  } catch {
    return true; // its last label is a number, and no address comes of it
  }
}

/** Whether this is an IP address in full, or a name of letters, digits, `.`, `-` and `_`. */
export function isHostName(text: string): boolean {
  return text.length <= 253 && (isIP(text) !== 0 || (NAME.test(text) && !isNumeric(text)));
}

/**
 * Returns what a host said as something to print: at most 300 characters of visible ASCII, all others as `?`, so that it
 * can neither move a cursor nor pass for text of ours.
 */
export function said(text: string): string {
  const visible = text.trim().replaceAll(/[^\x20-\x7e]/g, '?');
  return visible.length <= 300 ? visible : `${visible.slice(0, 297)}...`;
}

// Text that others wrote, as it may stand in a line that is printed: a terminal obeys control characters, and shows text in
// another order after others.

/** Returns a text of one line, with a mark for each character that would be more than to read. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');

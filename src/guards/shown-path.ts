// Names of files come from what is judged, and go into sentences that people and terminals read.

/** Returns a path as a sentence may repeat it: what is not plainly one is not repeated. */
export const shownPath = (path: string): string =>
  /^[\w@./+~ -]{1,200}$/.test(path) ? path : 'a file with an odd name';

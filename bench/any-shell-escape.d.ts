// The package has no declarations of its own.
declare module 'any-shell-escape' {
  const escapeWord: (word: string) => string;
  // biome-ignore lint/style/noDefaultExport: how Node imports a CommonJS function
  export default escapeWord;
}

// The declarations of web-tree-sitter name global types that only the libraries of a browser have. Nothing here uses
// them.
declare type EmscriptenModule = unknown;
declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]: string;
  }
}

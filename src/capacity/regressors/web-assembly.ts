// The part of WebAssembly that is used here; the types of Node 20 leave it out.

interface WebAssemblyApi {
  readonly Module: new (binary: Uint8Array) => object;
  readonly Memory: new (pages: { initial: number; maximum: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, object>>>>,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

/** `undefined` in a process that makes no machine code (`node --jitless`). */
export const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: WebAssemblyApi | undefined;
};

/** Bytes of a page of its memory. */
export const PAGE = 65_536;

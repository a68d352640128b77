import { webcrypto } from 'node:crypto';
import { createRequire } from 'node:module';
import { CompressionStream, ReadableStream, TextDecoderStream, WritableStream } from 'node:stream/web';
import { URL, URLSearchParams } from 'node:url';
import { TextDecoder, TextEncoder } from 'node:util';

const { default: JupyterLabEnvironment } = createRequire(import.meta.url)(
  '@jupyterlab/testing/lib/jest-env.js'
);
const { AbortController, AbortSignal, Uint8Array, structuredClone } = globalThis;

/** jsdom with some interfaces that today's browsers have and jsdom lacks. Node provides them. */
export default class extends JupyterLabEnvironment {
  constructor(...args) {
    super(...args);
    Object.assign(this.global, {
      AbortController,
      AbortSignal,
      CompressionStream,
      ReadableStream,
      TextDecoder,
      TextDecoderStream,
      TextEncoder,
      URL,
      URLSearchParams,
      Uint8Array,
      WritableStream,
      structuredClone
    });
    Object.defineProperty(this.global, 'crypto', { value: webcrypto });
  }
}

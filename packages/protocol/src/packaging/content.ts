import { concat } from '../bytes/encoding.js';

/** Bytes that come in chunks, from memory or from somewhere slower. */
export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const SMALL_BYTES = 16 * 1024;

/**
 * The same bytes in fewer chunks: small ones, such as headers and padding, are gathered, larger ones pass as they are,
 * without being copied.
 */
export async function* gathered(content: Content): AsyncGenerator<Uint8Array> {
  let small: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of content) {
    if (chunk.length < SMALL_BYTES) {
      small.push(chunk);
      bytes += chunk.length;
      if (bytes < SMALL_BYTES) continue;
    }
    if (bytes > 0) yield concat(...small);
    small = [];
    bytes = 0;
    if (chunk.length >= SMALL_BYTES) yield chunk;
  }
  if (bytes > 0) yield concat(...small);
}

/** Bytes that come in chunks, from memory or from somewhere slower. */
export type Content = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

const BLOCK_BYTES = 256 * 1024;

/**
 * The same bytes in chunks of a size that is worth a system call: small ones are gathered, large ones pass as they are.
 * A chunk that was given out is never written to again.
 */
export async function* blocks(content: Content): AsyncGenerator<Uint8Array> {
  let block = new Uint8Array(BLOCK_BYTES);
  let used = 0;
  for await (const chunk of content) {
    if (used > 0 && used + chunk.length > BLOCK_BYTES) {
      yield block.subarray(0, used);
      block = new Uint8Array(BLOCK_BYTES);
      used = 0;
    }
    if (chunk.length > BLOCK_BYTES) {
      yield chunk;
    } else {
      block.set(chunk, used);
      used += chunk.length;
    }
  }
  if (used > 0) yield block.subarray(0, used);
}

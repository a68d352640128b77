import { RegistryFailure } from './failure.js';
import { pauseAfter, type RetryPolicy } from './retry.js';
import { chunksOf, type RegistryResponse } from './wire.js';

async function* withoutFirst(count: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(left - chunk.length, 0);
  }
}

/** The body from `offset` on, whether or not the server can begin there. */
function from(offset: number, answer: RegistryResponse): AsyncIterable<Uint8Array> {
  const chunks = chunksOf(answer.url, answer.body);
  if (answer.status !== 206) return withoutFirst(offset, chunks);
  const start = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1];
  if (Number(start) === offset) return chunks;
  answer.body.destroy();
  throw new RegistryFailure(`${answer.url.host} sends another part than it was asked for.`, {
    passing: false,
    remedy: 'Ask those who run the registry.'
  });
}

/**
 * Reads a body to its end; when the connection breaks off, goes on from where it broke off. Patience begins anew with
 * every chunk that comes.
 * @param open asks for the body, with these headers beside its own
 */
export async function* downloadBlob(
  open: (headers: Record<string, string>) => Promise<RegistryResponse>,
  patience: RetryPolicy
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await open(offset === 0 ? {} : { range: `bytes=${offset}-` });
      for await (const chunk of from(offset, answer)) {
        offset += chunk.length;
        attempt = 1;
        yield chunk;
      }
      return;
    } catch (error) {
      await pauseAfter(error, attempt, patience);
    }
  }
}

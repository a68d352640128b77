import type { RetryPolicy } from '@clean-room/node-support';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireSize, verifiedChunks } from '../digests.js';
import type { ByteSource } from '../store.js';
import { protocolViolation, retryRegistry } from './errors.js';
import { bodyChunks, discardBody, type RegistryResponse } from './http.js';
import type { Repository } from './repository.js';

async function* skipBytes(count: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    if (chunk.length > left) yield chunk.subarray(left);
    left = Math.max(left - chunk.length, 0);
  }
}

/** Returns the body from `offset` on, even if the server ignored the range and sent all of it. */
function bodyFrom(offset: number, answer: RegistryResponse): AsyncGenerator<Uint8Array> {
  const chunks = bodyChunks(answer.url, answer.body);
  if (answer.status !== 206) return skipBytes(offset, chunks);
  const start = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1];
  if (Number(start) === offset) return chunks;
  answer.body.destroy();
  throw protocolViolation(`${answer.url.host} sent another part of a file than requested.`);
}

/**
 * Reads a body to its end. If the connection breaks, the download continues at the same offset. Each chunk that arrives
 * resets the number of attempts.
 *
 * @param open - requests the body with additional headers
 * @throws RegistryFailure
 */
export async function* downloadBlob(
  open: (headers: Record<string, string>) => Promise<RegistryResponse>,
  policy: RetryPolicy
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  let chunks: AsyncGenerator<Uint8Array> | undefined;
  const nextChunk = async (): Promise<IteratorResult<Uint8Array, unknown>> => {
    chunks ??= bodyFrom(offset, await open(offset === 0 ? {} : { range: `bytes=${offset}-` }));
    try {
      return await chunks.next();
    } catch (error) {
      chunks = undefined; // The next attempt opens a new connection.
      throw error;
    }
  };
  try {
    for (;;) {
      const next = await retryRegistry(policy, nextChunk);
      if (next.done === true) return;
      offset += next.value.length;
      yield next.value;
    }
  } finally {
    await chunks?.return(undefined);
  }
}

/** A blob to be uploaded. */
export interface BlobUpload {
  readonly digest: Digest;
  /** The size in bytes. */
  readonly size: number;
  readonly bytes: ByteSource;
  /** Another repository of the same registry that may have the blob. */
  readonly mountFrom?: string | undefined;
}

/**
 * Checks that a registry stored what it was sent.
 *
 * @throws CleanRoomError `digest-mismatch`
 */
export function requireStoredDigest({ headers }: RegistryResponse, digest: Digest): void {
  const stored = headers['docker-content-digest'];
  if (typeof stored === 'string' && stored !== digest)
    throw new CleanRoomError(
      'digest-mismatch',
      `The registry reports that it stored ${stored.slice(0, 80)} instead of ${digest}.`
    );
}

/** Returns the bytes of an upload. If they are wrong, they end with an error before the last chunk, so no registry stores them. */
function verifiedBytes({ digest, size, bytes }: BlobUpload): ByteSource {
  return async function* () {
    let seen = 0;
    for await (const chunk of verifiedChunks(digest, bytes())) {
      seen += chunk.length;
      if (seen > size) requireSize(seen, size);
      yield chunk;
    }
    requireSize(seen, size);
  };
}

/** Returns the URL to upload the blob to, or undefined if the registry mounted it from the other repository. */
async function startUpload(repository: Repository, upload: BlobUpload): Promise<URL | undefined> {
  const { digest, mountFrom } = upload;
  const url = repository.url('blobs', 'uploads/');
  if (mountFrom !== undefined) {
    url.searchParams.set('mount', digest);
    url.searchParams.set('from', mountFrom);
  }
  const answer = await repository.write({ method: 'POST', url }, [201, 202], mountFrom);
  discardBody(answer);
  if (answer.status === 201 && mountFrom !== undefined) return undefined;
  const next = repository.nextUrl(answer);
  if (next !== undefined) return next;
  throw protocolViolation(`${url.host} did not return the address of an upload.`);
}

/**
 * Uploads a blob in one request, unless the registry has it or can mount it from another repository. Registries discard
 * partial uploads, so after a broken connection the whole upload must be repeated.
 *
 * @throws CleanRoomError `digest-mismatch`
 * @throws RegistryFailure
 */
export async function uploadBlob(repository: Repository, upload: BlobUpload): Promise<void> {
  if (await repository.has('blobs', upload.digest, 'writer')) return;
  const url = await startUpload(repository, upload);
  if (url === undefined) return;
  url.searchParams.set('digest', upload.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const body = { size: upload.size, bytes: verifiedBytes(upload) };
  const answer = await repository.write({ method: 'PUT', url, headers, body }, [201, 204]);
  discardBody(answer);
  requireStoredDigest(answer, upload.digest);
}

import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ByteSource } from '../store.js';
import { requireSize, verified } from '../verified.js';
import { RegistryFailure } from './failure.js';
import type { Repository } from './repository.js';
import { dismiss, type RegistryResponse } from './wire.js';

export interface Upload {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly bytes: ByteSource;
  /** A repository of the same registry that may have the blob. */
  readonly mountFrom?: string | undefined;
}

/** A registry that keeps something else than it was sent is not to be believed. */
export function requireSame({ headers }: RegistryResponse, digest: Digest): void {
  const said = headers['docker-content-digest'];
  if (typeof said === 'string' && said !== digest)
    throw new CleanRoomError(
      'digest-mismatch',
      `The registry says it keeps ${said.slice(0, 80)}, not ${digest}.`
    );
}

/** Breaks off before its last chunk when the bytes are not what they are called, so that no registry takes them. */
function checked({ digest, size, bytes }: Upload): ByteSource {
  return async function* () {
    let seen = 0;
    for await (const chunk of verified(digest, bytes())) {
      seen += chunk.length;
      if (seen > size) requireSize(seen, size);
      yield chunk;
    }
    requireSize(seen, size);
  };
}

/** @returns where to send the blob, or nothing when the registry could take it from the other repository */
async function begin(repository: Repository, { digest, mountFrom }: Upload): Promise<URL | undefined> {
  const url = repository.place('blobs', 'uploads/');
  if (mountFrom !== undefined) {
    url.searchParams.set('mount', digest);
    url.searchParams.set('from', mountFrom);
  }
  const answer = await repository.write({ method: 'POST', url }, [201, 202], mountFrom);
  dismiss(answer);
  if (answer.status === 201 && mountFrom !== undefined) return undefined;
  const next = repository.next(answer);
  if (next !== undefined) return next;
  throw new RegistryFailure(`${url.host} does not say where to send a blob.`, {
    passing: false,
    remedy: 'Ask those who run the registry.'
  });
}

/**
 * Sends a blob as a whole, unless the registry has it or can take it from another repository. Registries forget half an
 * upload, so there is no going on where a connection broke off: call this again.
 * @throws CleanRoomError `digest-mismatch`, RegistryFailure
 */
export async function uploadBlob(repository: Repository, upload: Upload): Promise<void> {
  if (await repository.has('blobs', upload.digest, 'writer')) return;
  const url = await begin(repository, upload);
  if (url === undefined) return;
  url.searchParams.set('digest', upload.digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const body = { size: upload.size, bytes: checked(upload) };
  const answer = await repository.write({ method: 'PUT', url, headers, body }, [201, 204]);
  dismiss(answer);
  requireSame(answer, upload.digest);
}

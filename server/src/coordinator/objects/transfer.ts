import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ObjectStore } from '../../platform/objects/store.js';

/**
 * Streams the body of a request into the store.
 *
 * @param limit - maximum number of bytes. A larger `Content-Length` is refused before anything is read.
 * @returns the number of bytes
 * @throws CleanRoomError `malformed`, `too-large`, `digest-mismatch`
 */
export async function receiveObject(
  store: ObjectStore,
  digest: Digest,
  request: FastifyRequest,
  limit: number
): Promise<number> {
  const body: unknown = request.body;
  if (request.headers['content-type'] !== 'application/octet-stream' || !isReadable(body)) {
    throw new CleanRoomError(
      'malformed',
      'Files must be uploaded with the content type application/octet-stream.'
    );
  }
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limit) {
    throw new CleanRoomError('too-large', `The file has ${length} bytes, but the limit is ${limit} bytes.`);
  }
  return store.put(digest, body, limit);
}

function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}

/**
 * Streams an object to the client. The headers let clients cache it permanently, and keep browsers from showing or running it.
 */
export async function sendObject(
  store: ObjectStore,
  digest: Digest,
  reply: FastifyReply
): Promise<FastifyReply> {
  const { bytes, stream } = await store.get(digest);
  return reply
    .type('application/octet-stream')
    .header('content-length', bytes)
    .header('content-disposition', 'attachment')
    .header('cache-control', 'private, immutable, max-age=31536000')
    .header('etag', `"${digest}"`)
    .send(stream);
}

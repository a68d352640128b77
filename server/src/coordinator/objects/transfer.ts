import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ObjectStore } from '../../platform/objects/store.js';

/**
 * Streams a request's body into the store.
 * @throws CleanRoomError `too-large` before anything is read when the request says it is
 */
export async function receive(
  store: ObjectStore,
  digest: Digest,
  request: FastifyRequest,
  limit: number
): Promise<number> {
  const body: unknown = request.body;
  if (request.headers['content-type'] !== 'application/octet-stream' || !isReadable(body)) {
    throw new CleanRoomError('malformed', 'Bytes are sent as application/octet-stream.');
  }
  const length = Number(request.headers['content-length'] ?? 0);
  if (length > limit) {
    throw new CleanRoomError('too-large', `The object has ${length} bytes; the limit is ${limit}.`);
  }
  return store.put(digest, body, limit);
}

function isReadable(body: unknown): body is Readable {
  return typeof body === 'object' && body !== null && 'pipe' in body;
}

/** Streams an object out. It never changes, and no browser ever takes it for something to show or run. */
export async function deliver(
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

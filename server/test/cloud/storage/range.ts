import { ApiError } from '../http/api-error.js';
import type { Reply } from '../http/api-server.js';
import type { StoredObject } from './bucket.js';

/**
 * Returns the content of an object, or the part that a `Range` header asks for.
 *
 * @throws ApiError 416 if the object has no such part
 */
export function contentReply(object: StoredObject, range: string | undefined): Reply {
  const { bytes } = object;
  const headers = {
    'content-type': object.contentType,
    'accept-ranges': 'bytes',
    etag: `"${object.md5}"`,
    'x-goog-generation': object.generation,
    'x-goog-hash': `crc32c=${object.crc32c},md5=${object.md5}`,
    'x-goog-stored-content-encoding': 'identity',
    'x-goog-stored-content-length': String(bytes.length)
  };
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return { status: 200, headers, body: bytes };
  const start = first === '' ? Math.max(0, bytes.length - Number(last)) : Number(first);
  const end = first === '' || last === '' ? bytes.length : Math.min(Number(last) + 1, bytes.length);
  if (start >= bytes.length || start >= end) {
    throw new ApiError(416, 'requestedRangeNotSatisfiable', 'The requested range cannot be satisfied.');
  }
  return {
    status: 206,
    headers: { ...headers, 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` },
    body: bytes.subarray(start, end)
  };
}

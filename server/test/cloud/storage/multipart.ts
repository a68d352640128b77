import { ApiError } from '../http/api-error.js';
import type { Call } from '../http/api-server.js';
import { parseJson } from '../http/json.js';

/** The parts of an upload in one request. */
export interface RelatedParts {
  readonly metadata: Record<string, unknown>;
  readonly contentType: string;
  readonly content: Buffer;
}

/**
 * Parses a `multipart/related` body: metadata as JSON, then the content.
 *
 * @throws ApiError 400 if it has another form
 */
export function parseRelated(call: Call): RelatedParts {
  const [, boundary] =
    /^multipart\/related;.*boundary="?([^";]+)/i.exec(call.headers['content-type'] ?? '') ?? [];
  if (boundary === undefined) throw new ApiError(400, 'invalid', 'The body is not multipart/related.');
  const parts: Buffer[] = [];
  let rest = call.body;
  for (;;) {
    const at = rest.indexOf(`--${boundary}`);
    if (at < 0) break;
    parts.push(rest.subarray(0, at));
    rest = rest.subarray(at + boundary.length + 2);
  }
  const [, first, second] = parts;
  if (first === undefined || second === undefined)
    throw new ApiError(400, 'invalid', 'The body needs two parts.');
  const [, metadata] = split(first);
  const [headers, content] = split(second);
  const [, contentType = 'application/octet-stream'] = /content-type:\s*([^\r\n]+)/i.exec(headers) ?? [];
  return { metadata: parseJson(metadata), contentType, content };
}

/** Splits a part into its headers and its content, without the line break before the next boundary. */
function split(part: Buffer): [string, Buffer] {
  const end = part.indexOf('\r\n\r\n');
  return [part.subarray(0, end).toString(), part.subarray(end + 4, part.length - 2)];
}

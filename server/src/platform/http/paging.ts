import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

export interface PageRequest {
  readonly limit: number;
  /** The key of the last item of the page before. */
  readonly after: string | undefined;
}

export interface PageResult<T> {
  readonly items: T[];
  readonly next?: string;
}

const DEFAULT_LIMIT = 50;

/**
 * A cursor is the last key a caller has seen. It opens nothing: every page is filtered by what the caller may see, so a
 * cursor made up leads to another place in the same list at most.
 * @param form what a key of this list looks like
 * @throws CleanRoomError `malformed`
 */
export function pageRequest(query: { cursor?: string; limit?: number }, form: RegExp): PageRequest {
  const { cursor, limit = DEFAULT_LIMIT } = query;
  if (cursor === undefined) return { limit, after: undefined };
  let after: string;
  try {
    after = fromUtf8(fromBase64Url(cursor));
  } catch (cause) {
    throw unusable(cause);
  }
  if (!form.test(after)) throw unusable();
  return { limit, after };
}

function unusable(cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', 'The cursor is not one that this list has given.', {
    remedy: 'Start from the first page.',
    cause
  });
}

/** @param rows one more than `limit`, where there are that many */
export function pageOf<T>(rows: readonly T[], limit: number, key: (row: T) => string): PageResult<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined
    ? { items, next: toBase64Url(utf8(key(last))) }
    : { items };
}

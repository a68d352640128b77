import { fromBase64Url, fromUtf8, toBase64Url, utf8 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** The part of a list that a client asks for. */
export interface PageRequest {
  readonly limit: number;
  /** Key of the last item on the previous page. Undefined for the first page. */
  readonly after: string | undefined;
}

/** One page of a list. */
export interface PageResult<T> {
  readonly items: T[];
  /** Cursor of the next page. Missing on the last page. */
  readonly next?: string;
}

const DEFAULT_LIMIT = 50;

/**
 * Reads the paging parameters of a query. A cursor is the encoded key of the last item on the previous page. It grants no
 * access: every page contains only items that the caller may see, so an invented cursor only selects another part of the list.
 *
 * @param keyPattern - matches the keys of this list
 * @throws CleanRoomError `malformed` when the cursor does not contain such a key
 */
export function pageRequest(query: { cursor?: string; limit?: number }, keyPattern: RegExp): PageRequest {
  const { cursor, limit = DEFAULT_LIMIT } = query;
  if (cursor === undefined) return { limit, after: undefined };
  let after: string;
  try {
    after = fromUtf8(fromBase64Url(cursor));
  } catch (cause) {
    throw invalidCursor(cause);
  }
  if (!keyPattern.test(after)) throw invalidCursor();
  return { limit, after };
}

function invalidCursor(cause?: unknown): CleanRoomError {
  return new CleanRoomError('malformed', 'The list cannot be continued from this cursor.', {
    remedy: 'Load the list again from its first page.',
    cause
  });
}

/**
 * Returns a page of at most `limit` rows.
 *
 * @param rows - the rows of the page, and one more if there is a next page
 * @param key - returns the key of a row, by which the list is ordered
 */
export function pageOf<T>(rows: readonly T[], limit: number, key: (row: T) => string): PageResult<T> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined
    ? { items, next: toBase64Url(utf8(key(last))) }
    : { items };
}

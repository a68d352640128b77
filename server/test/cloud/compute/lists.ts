import { ApiError } from '../http/api-error.js';

/** A term of a filter, such as `labels.deployment=main` or `status != "TERMINATED"`. */
interface Term {
  readonly path: readonly string[];
  readonly operator: '=' | '!=';
  readonly value: string;
}

function parseFilter(filter: string): readonly Term[] {
  if (filter.trim() === '') return [];
  return filter.split(/\s+AND\s+/).map(text => {
    const [, path, operator, quoted, bare] =
      /^\(?\s*([\w.-]+)\s*(=|!=)\s*(?:"([^"]*)"|([^\s()"]+))\s*\)?$/.exec(text.trim()) ?? [];
    if (path === undefined) {
      throw new ApiError(
        400,
        'invalid',
        `Invalid value for field 'filter': '${filter}'. Invalid list filter expression.`
      );
    }
    return { path: path.split('.'), operator: operator as Term['operator'], value: quoted ?? bare ?? '' };
  });
}

function member(value: unknown, path: readonly string[]): string | undefined {
  const found = path.reduce<unknown>(
    (inner, name) => (inner as Record<string, unknown> | undefined)?.[name],
    value
  );
  return typeof found === 'string' ? found : JSON.stringify(found);
}

/**
 * Keeps the resources that a filter of the Compute API matches (terms with `=` or `!=`, joined by `AND`).
 *
 * @param resourceOf - returns the resource of an item, when terms on the item's own `labels` do not decide
 */
export function filtered<T extends object>(
  items: readonly T[],
  filter: string | null,
  resourceOf: (item: T) => object = item => item
): readonly T[] {
  const terms = parseFilter(filter ?? '');
  const matches = ({ path, operator, value }: Term, resource: object): boolean =>
    (member(resource, path) === value) === (operator === '=');
  const onLabels = terms.filter(({ path }) => path[0] === 'labels');
  const onOthers = terms.filter(({ path }) => path[0] !== 'labels');
  return items
    .filter(item => onLabels.every(term => matches(term, item)))
    .filter(item => {
      if (onOthers.length === 0) return true;
      const resource = resourceOf(item);
      return onOthers.every(term => matches(term, resource));
    });
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken?: string;
}

/**
 * Returns the page of a list that the parameters `maxResults` and `pageToken` ask for.
 *
 * @param largest - the largest page; the Compute API may also send fewer results than were asked for
 */
export function pageOf<T>(items: readonly T[], parameters: URLSearchParams, largest = 500): Page<T> {
  const size = Number(parameters.get('maxResults') ?? 500);
  if (!Number.isInteger(size) || size < 0 || size > 500) {
    throw new ApiError(
      400,
      'invalid',
      `Invalid value for field 'maxResults': '${size}'. Must be a value between 0 and 500.`
    );
  }
  const token = parameters.get('pageToken');
  const start = token === null ? 0 : Number(Buffer.from(token, 'base64url').toString());
  if (!Number.isInteger(start)) throw new ApiError(400, 'invalid', "Invalid value for field 'pageToken'.");
  const end = start + Math.min(largest, size === 0 ? 500 : size);
  return {
    items: items.slice(start, end),
    ...(end < items.length ? { nextPageToken: Buffer.from(String(end)).toString('base64url') } : {})
  };
}

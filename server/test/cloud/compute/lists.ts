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

/** Keeps the resources that a filter of the Compute API matches (terms with `=` or `!=`, joined by `AND`). */
export function filtered<T extends object>(resources: readonly T[], filter: string | null): readonly T[] {
  const terms = parseFilter(filter ?? '');
  return resources.filter(resource =>
    terms.every(({ path, operator, value }) => (member(resource, path) === value) === (operator === '='))
  );
}

/** One page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextPageToken?: string;
}

/** Returns the page of a list that the parameters `maxResults` and `pageToken` ask for. */
export function pageOf<T>(items: readonly T[], parameters: URLSearchParams): Page<T> {
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
  const end = start + (size === 0 ? 500 : size);
  return {
    items: items.slice(start, end),
    ...(end < items.length ? { nextPageToken: Buffer.from(String(end)).toString('base64url') } : {})
  };
}

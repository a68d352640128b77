import type { RouteDefinition } from './route.js';

export interface AddressParts {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
}

/** The path and query of a call. A parameter can't leave its place: all but `*` is escaped whole, `*` part by part. */
export function addressOf(route: RouteDefinition, { params = {}, query = {} }: AddressParts): string {
  const path = route.path
    .replace(/:([a-z]+)/gi, (_match, name: string) => encodeURIComponent(String(params[name])))
    .replace(/\*$/, () => String(params['*']).split('/').map(encodeURIComponent).join('/'));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

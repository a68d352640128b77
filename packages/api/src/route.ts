import type { Static, TObject, TSchema } from 'typebox';

/**
 * A kind of caller. A `supervisor` proves each request with the secret of its registered attempt, a `steward` signs each request to a
 * custodian.
 */
export type CallerKind = 'person' | 'steward' | 'custodian' | 'operator' | 'supervisor' | 'anyone';

/** A body that is not JSON: bytes to or from the server, text, or a stream of server-sent events. */
export type BodyKind = 'upload' | 'download' | 'events' | 'text';

/**
 * The definition of a route. The server mounts the route and validates requests and responses with it, OpenAPI documents it, and
 * the client calls it with types that are derived from it. In `path`, parameters are written as `:name`, and a `*` at the end
 * matches the rest of the path.
 */
export interface RouteDefinition {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly summary: string;
  readonly callers: readonly [CallerKind, ...CallerKind[]];
  readonly params?: TObject;
  readonly query?: TObject;
  readonly body?: TSchema;
  readonly response?: TSchema;
  readonly bodyKind?: BodyKind;
  /** The status of a successful response, 200 by default. */
  readonly status?: 200 | 201 | 202 | 204;
  /** The maximum size of the request's body in bytes. */
  readonly bodyLimit?: number;
}

/** Returns the definition with its exact type. */
export function defineRoute<const D extends RouteDefinition>(definition: D): D {
  return definition;
}

type None = Readonly<Record<string, never>>;

/** The path parameters of a route. */
export type ParamsOf<D> = D extends { readonly params: infer S extends TSchema } ? Static<S> : None;

/** The query parameters of a route. */
export type QueryOf<D> = D extends { readonly query: infer S extends TSchema } ? Static<S> : None;

/** The JSON body of a request. */
export type BodyOf<D> = D extends { readonly body: infer S extends TSchema } ? Static<S> : undefined;

/** The JSON body of a response. */
export type ResponseOf<D> = D extends { readonly response: infer S extends TSchema } ? Static<S> : undefined;

/** The parts of a request that are in its address. */
export interface AddressParts {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
}

/**
 * Returns the path and query of a request. A parameter cannot change the structure of the path: it is escaped as a whole, and
 * the value of `*` between its slashes.
 */
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

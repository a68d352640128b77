import type { Static, TObject, TSchema } from 'typebox';

/** Who may call a route. `supervisor`: who knows the unguessable job in the path. */
export type CallerKind = 'person' | 'custodian' | 'supervisor' | 'anyone';

/** What goes over the wire beside JSON: raw bytes up or down, or a stream of server-sent events. */
export type BodyKind = 'upload' | 'download' | 'events' | 'text';

/**
 * One route, written once: the server mounts it and validates with it, OpenAPI shows it, the client calls it with the
 * types that follow from it. `path` names its parameters as `:name`; `*` at its end takes the rest of the path.
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
  /** The status of success; 200 unless told. */
  readonly status?: 200 | 201 | 202 | 204;
  /** Largest body, in bytes. */
  readonly bodyLimit?: number;
}

export function defineRoute<const D extends RouteDefinition>(definition: D): D {
  return definition;
}

type None = Readonly<Record<string, never>>;
export type ParamsOf<D> = D extends { readonly params: infer S extends TSchema } ? Static<S> : None;
export type QueryOf<D> = D extends { readonly query: infer S extends TSchema } ? Static<S> : None;
export type BodyOf<D> = D extends { readonly body: infer S extends TSchema } ? Static<S> : undefined;
export type ResponseOf<D> = D extends { readonly response: infer S extends TSchema } ? Static<S> : undefined;

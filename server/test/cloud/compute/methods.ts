import { invalid, notFound } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import type { AccountOptions, Accounts } from '../identity/accounts.js';
import { ZONES } from './catalogue.js';
import { selectFields } from './field-selection.js';

const SCOPE = 'https://www.googleapis.com/auth/compute';
const READ_SCOPE = 'https://www.googleapis.com/auth/compute.readonly';

/** The path of a zone's resources. */
export const ZONAL = '/compute/v1/projects/{project}/zones/{zone}';

/** The query parameters of lists. */
const LIST = ['filter', 'maxResults', 'orderBy', 'pageToken', 'returnPartialSuccess'];

/** Returns a method that reads. */
export function get(
  name: string,
  path: string,
  handle: Route['handle'],
  query: readonly string[] = []
): Route {
  return { name: `compute.${name}`, method: 'GET', path, query, handle };
}

/**
 * Returns a method that lists, and sends only the fields that the parameter `fields` selects.
 *
 * @param type - the message type of its answers
 */
export function list(
  name: string,
  path: string,
  type: string,
  handle: (call: Call) => { readonly status: number; readonly body: object },
  query: readonly string[] = []
): Route {
  const selected = (call: Call): Reply => {
    const reply = handle(call);
    const fields = call.url.searchParams.get('fields');
    return fields === null ? reply : { ...reply, body: selectFields(type, fields, reply.body) };
  };
  return get(name, path, selected, [...LIST, ...query]);
}

/** Returns a method that starts something, at most once for a request id. */
export function post(name: string, path: string, handle: Route['handle']): Route {
  return { name: `compute.${name}`, method: 'POST', path, query: ['requestId'], handle };
}

/** The project whose resources the Compute API serves, and the check that every method begins with. */
export class ComputeProject {
  constructor(
    readonly id: string,
    readonly accounts: Accounts
  ) {}

  /** The address of the project, with which the links to its resources begin. */
  get base(): string {
    return `https://www.googleapis.com/compute/v1/projects/${this.id}`;
  }

  /** Checks the credentials of a call. */
  authenticate(call: Call): AccountOptions {
    const scopes = call.method === 'GET' ? [SCOPE, READ_SCOPE] : [SCOPE];
    return this.accounts.authenticate(call.headers.authorization, scopes);
  }

  /**
   * Checks credentials, project, permission and zone of a call.
   *
   * @throws ApiError 401, 403, 404, or 400 for an unknown zone
   */
  check(call: Call, permission: string): AccountOptions {
    const account = this.authenticate(call);
    const { project = '', zone } = call.params;
    if (project !== this.id) throw notFound(`projects/${project}`);
    this.accounts.authorize(account, permission, `projects/${project}`);
    if (zone !== undefined && !(zone in ZONES)) throw invalid('zone', zone, 'Unknown zone.');
    return account;
  }
}

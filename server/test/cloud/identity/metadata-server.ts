import { sign } from 'node:crypto';
import type { CloudClock } from '../clock.js';
import { ApiError } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import type { Accounts } from './accounts.js';

/** The machine or container that asks the metadata server. */
export interface MetadataOptions {
  readonly clock: CloudClock;
  readonly accounts: Accounts;
  readonly project: { readonly id: string; readonly number: string };
  readonly zone: string;
  /** The attached service account. */
  readonly email: string;
}

/** Every answer of the metadata server has this header, by which clients recognise it. */
const FLAVOR = { 'metadata-flavor': 'Google', server: 'Metadata Server for VM' };

/** The metadata server of the machine on which the coordinator runs (cloud.google.com/compute/docs/metadata). */
export class MetadataServer {
  constructor(private readonly options: MetadataOptions) {}

  get routes(): readonly Route[] {
    const root = '/computeMetadata/v1';
    const account = `${root}/instance/service-accounts/{account}`;
    const get = (name: string, path: string, read: (call: Call) => string | object): Route => ({
      name: `metadata.${name}`,
      method: 'GET',
      path,
      handle: call => this.#answer(call, read)
    });
    const { project, zone } = this.options;
    return [
      get('instance', `${root}/instance`, () => 'attributes/\nservice-accounts/\nzone\n'),
      get('projectId', `${root}/project/project-id`, () => project.id),
      get('numericProjectId', `${root}/project/numeric-project-id`, () => project.number),
      get('zone', `${root}/instance/zone`, () => `projects/${project.number}/zones/${zone}`),
      get('serviceAccounts', `${root}/instance/service-accounts/`, () => this.#accountsTree()),
      get('email', `${account}/email`, call => this.#email(call)),
      get('scopes', `${account}/scopes`, call => `${this.#scopes(this.#email(call)).join('\n')}\n`),
      get('token', `${account}/token`, call => this.#token(call)),
      get('identity', `${account}/identity`, call => this.#identity(call))
    ];
  }

  #answer(call: Call, read: (call: Call) => string | object): Reply {
    if (call.headers['metadata-flavor'] !== 'Google') {
      throw new ApiError(403, 'forbidden', 'The request has no header Metadata-Flavor: Google.');
    }
    if (call.headers['x-forwarded-for'] !== undefined) {
      throw new ApiError(403, 'forbidden', 'Requests with the header X-Forwarded-For are not allowed.');
    }
    const body = read(call);
    const type = typeof body === 'string' ? { 'content-type': 'application/text' } : {};
    return { status: 200, headers: { ...FLAVOR, ...type }, body };
  }

  /** Returns the account that a path names: `default` or its address. */
  #email(call: Call): string {
    const { account = '' } = call.params;
    const { email } = this.options;
    if (account !== 'default' && account !== email) throw new ApiError(404, 'notFound', 'Not Found');
    return email;
  }

  #scopes(email: string): readonly string[] {
    return this.options.accounts.find(email)?.scopes ?? ['https://www.googleapis.com/auth/cloud-platform'];
  }

  #accountsTree(): object {
    const { email } = this.options;
    const entry = { aliases: ['default'], email, scopes: this.#scopes(email) };
    return { default: entry, [email]: entry };
  }

  #token(call: Call): object {
    const email = this.#email(call);
    const wanted = call.url.searchParams.get('scopes')?.split(',');
    const { token, seconds } = this.options.accounts.issueToken(email, wanted);
    return { access_token: token, expires_in: seconds, token_type: 'Bearer' };
  }

  /** Returns an identity token. Its signature is by the account's own key, because Google's is not at hand. */
  #identity(call: Call): string {
    const email = this.#email(call);
    const audience = call.url.searchParams.get('audience');
    if (audience === null) throw new ApiError(400, 'badRequest', 'non-empty audience parameter required');
    const { accounts, clock } = this.options;
    const { id, key } = accounts.signingKey(email);
    const now = Math.floor(clock.now() / 1000);
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ alg: 'RS256', kid: id, typ: 'JWT' })}.${encode({
      iss: 'https://accounts.google.com',
      aud: audience,
      sub: email,
      email,
      email_verified: true,
      iat: now,
      exp: now + 3600
    })}`;
    const signature = sign('sha256', Buffer.from(signed), key);
    return `${signed}.${signature.toString('base64url')}`;
  }
}

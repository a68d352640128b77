import { createHash } from 'node:crypto';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { startRegistry, type Registry } from '../../../../packages/oci/test/support/registry.js';
import { ApiError } from '../http/api-error.js';
import type { Call, Reply, Route } from '../http/api-server.js';
import type { AccountOptions, Accounts } from '../identity/accounts.js';

/** Settings of a repository. */
export interface RepositoryOptions {
  /** Whether a tag can neither be moved nor deleted. */
  readonly immutableTags?: boolean;
}

/** Parts of the cloud that the registry needs. */
export interface ArtifactRegistryOptions {
  readonly accounts: Accounts;
  readonly project: string;
  readonly location: string;
  /** The repositories of the project by name. */
  readonly repositories: Readonly<Record<string, RepositoryOptions>>;
}

/** Headers that concern one connection only (RFC 9110 §7.6.1). */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'authorization'];

const DIGEST = /^sha256:[0-9a-f]{64}$/;

function throwRegistryError(status: number, code: string, message: string): never {
  throw new ApiError(status, code, message);
}

/** Shapes an error as the distribution specification says. */
export function registryErrorReply(error: ApiError): Reply {
  return {
    status: error.code,
    body: { errors: [{ code: error.reason.toUpperCase(), message: error.message }] }
  };
}

/**
 * The Docker API of Artifact Registry. Blobs and manifests are in Debian's docker-registry; this proxy adds what is Google's:
 * repositories of a project, access tokens and roles, immutable tags, and the rule that a tagged image is not deleted.
 */
export class ArtifactRegistry {
  /** Digests by `image:tag`. */
  readonly #tags = new Map<string, string>();

  private constructor(
    private readonly options: ArtifactRegistryOptions,
    private readonly storage: Registry
  ) {}

  static async start(options: ArtifactRegistryOptions): Promise<ArtifactRegistry> {
    return new ArtifactRegistry(options, await startRegistry());
  }

  stop(): Promise<void> {
    return this.storage.stop();
  }

  get routes(): readonly Route[] {
    const image = '/v2/{project}/{repository}/{image=**}';
    const route = (name: string, path: string, handle: Route['handle'], ...methods: string[]): Route[] =>
      methods.map(method => ({ name: `artifactregistry.${name}`, method, path, handle }));
    const proxied = (name: string, path: string, ...methods: string[]): Route[] =>
      route(name, path, call => this.#forward(call), ...methods);
    return [
      ...route('ping', '/v2/', call => this.#ping(call), 'GET'),
      ...route('token', '/v2/token', call => this.#token(call), 'GET', 'POST'),
      ...route(
        'manifests.get',
        `${image}/manifests/{reference}`,
        call => this.#getManifest(call),
        'GET',
        'HEAD'
      ),
      ...route('manifests.put', `${image}/manifests/{reference}`, call => this.#putManifest(call), 'PUT'),
      ...route(
        'manifests.delete',
        `${image}/manifests/{reference}`,
        call => this.#deleteManifest(call),
        'DELETE'
      ),
      ...route('tags.list', `${image}/tags/list`, call => this.#listTags(call), 'GET'),
      ...proxied('blobs.startUpload', `${image}/blobs/uploads/`, 'POST'),
      ...proxied('blobs.upload', `${image}/blobs/uploads/{upload}`, 'GET', 'PATCH', 'PUT', 'DELETE'),
      ...proxied('blobs.get', `${image}/blobs/{digest}`, 'GET', 'HEAD')
    ];
  }

  /** Returns the account of a request: a bearer token, or the password of the user `oauth2accesstoken`. */
  #authenticate(call: Call): AccountOptions {
    const { authorization = '' } = call.headers;
    const [, encoded] = /^Basic (.+)$/i.exec(authorization) ?? [];
    const [user, ...password] = Buffer.from(encoded ?? '', 'base64')
      .toString()
      .split(':');
    const header = user === 'oauth2accesstoken' ? `Bearer ${password.join(':')}` : authorization;
    return this.options.accounts.authenticate(header, []);
  }

  #challenge(call: Call): Reply {
    const host = call.headers.host ?? '';
    return {
      status: 401,
      headers: { 'www-authenticate': `Bearer realm="http://${host}/v2/token",service="${host}"` },
      body: { errors: [{ code: 'UNAUTHORIZED', message: 'authentication failed' }] }
    };
  }

  #ping(call: Call): Reply {
    if (call.headers.authorization === undefined) return this.#challenge(call);
    this.#authenticate(call);
    return { status: 200, headers: { 'docker-distribution-api-version': 'registry/2.0' }, body: {} };
  }

  /** Exchanges an access token for a token of the registry. */
  #token(call: Call): Reply {
    const { accounts } = this.options;
    const { token, seconds } = accounts.issueToken(this.#authenticate(call).email);
    return { status: 200, body: { token, access_token: token, expires_in: seconds } };
  }

  /** Checks credentials, repository and permission. Returns the image's name, or a challenge to a request without credentials. */
  #check(call: Call): string | Reply {
    if (call.headers.authorization === undefined) return this.#challenge(call);
    const account = this.#authenticate(call);
    const { accounts, project, location, repositories } = this.options;
    const { project: name = '', repository = '', image = '' } = call.params;
    const resource = `projects/${name}/locations/${location}/repositories/${repository}`;
    const right = { GET: 'download', HEAD: 'download', DELETE: 'delete' }[call.method] ?? 'upload';
    const permission = `artifactregistry.repositories.${right}Artifacts`;
    try {
      accounts.authorize(account, permission, resource);
    } catch {
      throwRegistryError(403, 'DENIED', `Permission "${permission}" denied on resource "${resource}"`);
    }
    if (name !== project || repositories[repository] === undefined) {
      throwRegistryError(404, 'NAME_UNKNOWN', `Repository "${repository}" not found`);
    }
    return `${name}/${repository}/${image}`;
  }

  async #forward(call: Call, path = call.url.pathname): Promise<Reply> {
    const checked = this.#check(call);
    if (typeof checked !== 'string') return checked;
    const { from } = Object.fromEntries(call.url.searchParams);
    // Layers are mounted only from repositories of the same project.
    if (from !== undefined && !from.startsWith(`${this.options.project}/`)) {
      throwRegistryError(403, 'DENIED', `Permission denied on the repository of "${from}"`);
    }
    return this.#send(call, path);
  }

  #send(call: Call, path: string): Promise<Reply> {
    const headers = Object.fromEntries(
      Object.entries(call.headers).filter(([name]) => !HOP_BY_HOP.includes(name))
    );
    const [host, port] = this.storage.host.split(':');
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        { host, port, method: call.method, path: `${path}${call.url.search}`, headers },
        (response: IncomingMessage) => {
          const kept = Object.entries(response.headers).filter(([name]) => !HOP_BY_HOP.includes(name));
          resolve({
            status: response.statusCode ?? 502,
            headers: Object.fromEntries(kept.map(([name, value]) => [name, String(value)])),
            body: response
          });
        }
      );
      sent.on('error', reject);
      sent.end(call.body);
    });
  }

  #getManifest(call: Call): Reply | Promise<Reply> {
    const image = this.#check(call);
    if (typeof image !== 'string') return image;
    const { reference = '' } = call.params;
    const digest = DIGEST.test(reference) ? reference : this.#tags.get(`${image}:${reference}`);
    if (digest === undefined) throwRegistryError(404, 'MANIFEST_UNKNOWN', `Failed to fetch "${reference}"`);
    return this.#send(call, `/v2/${image}/manifests/${digest}`);
  }

  async #putManifest(call: Call): Promise<Reply> {
    const image = this.#check(call);
    if (typeof image !== 'string') return image;
    const { reference = '', repository = '' } = call.params;
    if (DIGEST.test(reference)) return this.#send(call, `/v2/${image}/manifests/${reference}`);
    const digest = `sha256:${createHash('sha256').update(call.body).digest('hex')}`;
    const existing = this.#tags.get(`${image}:${reference}`);
    if (this.#isImmutable(repository) && existing !== undefined && existing !== digest) {
      throwRegistryError(
        400,
        'MANIFEST_INVALID',
        `cannot update tag ${reference}. The repository has enabled tag immutability`
      );
    }
    const reply = await this.#send(call, `/v2/${image}/manifests/${digest}`);
    if (reply.status === 201) this.#tags.set(`${image}:${reference}`, digest);
    return reply;
  }

  #isImmutable(repository: string): boolean {
    return this.options.repositories[repository]?.immutableTags === true;
  }

  #deleteManifest(call: Call): Reply | Promise<Reply> {
    const image = this.#check(call);
    if (typeof image !== 'string') return image;
    const { reference = '', repository = '' } = call.params;
    if (DIGEST.test(reference)) {
      const tags = this.#tagsOf(image).filter(tag => this.#tags.get(`${image}:${tag}`) === reference);
      if (tags.length > 0) {
        throwRegistryError(
          400,
          'GOOGLE_MANIFEST_DANGLING_TAG',
          `Manifest is still referenced by tag: ${tags.join(', ')}`
        );
      }
      return this.#send(call, `/v2/${image}/manifests/${reference}`);
    }
    if (!this.#tags.has(`${image}:${reference}`)) {
      throwRegistryError(404, 'MANIFEST_UNKNOWN', `Failed to fetch "${reference}"`);
    }
    if (this.#isImmutable(repository)) {
      throwRegistryError(
        400,
        'FAILED_PRECONDITION',
        `cannot delete tag ${reference}. The repository has enabled tag immutability`
      );
    }
    this.#tags.delete(`${image}:${reference}`);
    return { status: 202 };
  }

  #tagsOf(image: string): readonly string[] {
    return [...this.#tags.keys()]
      .filter(key => key.startsWith(`${image}:`))
      .map(key => key.slice(image.length + 1));
  }

  #listTags(call: Call): Reply {
    const image = this.#check(call);
    if (typeof image !== 'string') return image;
    return { status: 200, body: { name: image, tags: this.#tagsOf(image).toSorted() } };
  }
}

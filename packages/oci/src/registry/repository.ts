import { isDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { MANIFEST_TYPE } from '@clean-room/protocol/packaging';
import type { RegistryAddress } from './address.js';
import { discardBody, type RegistryResponse, type RegistryRequest } from './http.js';
import type { RegistrySession } from './session.js';

/** The two kinds of content in a repository. */
export type ContentKind = 'blobs' | 'manifests';

/** The URLs of one repository, and requests to it with the access scopes that they need. */
export class Repository {
  readonly origin: string;
  readonly name: string;
  /** Host and name, as shown in messages. */
  readonly location: string;
  readonly #session: RegistrySession;

  constructor({ origin, host, repository }: RegistryAddress, session: RegistrySession) {
    this.origin = origin;
    this.name = repository;
    this.location = `${host}/${repository}`;
    this.#session = session;
  }

  /**
   * Returns the URL of content of the repository.
   *
   * @param name - a digest, a tag or `uploads/`
   */
  url(kind: ContentKind, name: string): URL {
    return this.#session.resolveUrl(`/v2/${this.name}/${kind}/${name}`);
  }

  /**
   * Returns the URL of content with a digest.
   *
   * @throws CleanRoomError `malformed` if `digest` is not a SHA-256 digest
   */
  urlOf(kind: ContentKind, digest: Digest): URL {
    if (!isDigest(digest))
      throw new CleanRoomError('malformed', 'An image is identified by a sha256 digest.');
    return this.url(kind, digest);
  }

  /**
   * Returns the URL in the `Location` header of a response, if there is one.
   *
   * @throws CleanRoomError `malformed` if the URL is not safe
   */
  nextUrl({ headers, url }: RegistryResponse): URL | undefined {
    return headers.location === undefined ? undefined : this.#session.resolveUrl(headers.location, url);
  }

  /** Sends a request that needs permission to pull. */
  read(request: RegistryRequest, expected: readonly number[]): Promise<RegistryResponse> {
    return this.#session.send(request, [`repository:${this.name}:pull`], expected);
  }

  /**
   * Sends a request that needs permission to push.
   *
   * @param mountFrom - another repository that the request reads from
   */
  write(
    request: RegistryRequest,
    expected: readonly number[],
    mountFrom?: string
  ): Promise<RegistryResponse> {
    const own = `repository:${this.name}:pull,push`;
    const scopes = mountFrom === undefined ? [own] : [own, `repository:${mountFrom}:pull`];
    return this.#session.send(request, scopes, expected);
  }

  /** Returns whether the repository contains a blob or manifest. The request of a `writer` has permission to push. */
  async has(kind: ContentKind, digest: Digest, as: 'reader' | 'writer' = 'reader'): Promise<boolean> {
    const headers = { accept: `${MANIFEST_TYPE}, */*` };
    const request = { method: 'HEAD', url: this.urlOf(kind, digest), headers } as const;
    const answer = await (as === 'reader' ? this.read(request, [200, 404]) : this.write(request, [200, 404]));
    discardBody(answer);
    return answer.status === 200;
  }
}

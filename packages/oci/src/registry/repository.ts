import { isDigest, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { MANIFEST_TYPE } from '@clean-room/protocol/packaging';
import type { RegistryAddress } from './address.js';
import type { RegistrySession } from './session.js';
import { dismiss, type RegistryResponse, type RegistryRequest } from './wire.js';

export type Kind = 'blobs' | 'manifests';

/** The places of one repository, and the rights that calls to them need. */
export class Repository {
  readonly origin: string;
  readonly name: string;
  readonly location: string;
  readonly #session: RegistrySession;

  constructor({ origin, host, repository }: RegistryAddress, session: RegistrySession) {
    this.origin = origin;
    this.name = repository;
    this.location = `${host}/${repository}`;
    this.#session = session;
  }

  /** @param name a digest, a tag or `uploads/` */
  place(kind: Kind, name: string): URL {
    return this.#session.urlOf(`/v2/${this.name}/${kind}/${name}`);
  }

  /** @throws CleanRoomError `malformed` */
  placeOf(kind: Kind, digest: Digest): URL {
    if (!isDigest(digest)) throw new CleanRoomError('malformed', 'Images are known by sha256 digests only.');
    return this.place(kind, digest);
  }

  /** Where an answer says to go on. @throws CleanRoomError `malformed` when that is no safe place */
  next({ headers, url }: RegistryResponse): URL | undefined {
    return headers.location === undefined ? undefined : this.#session.urlOf(headers.location, url);
  }

  read(call: RegistryRequest, expected: readonly number[]): Promise<RegistryResponse> {
    return this.#session.call(call, [`repository:${this.name}:pull`], expected);
  }

  /** @param mountFrom another repository that has to be read for it */
  write(call: RegistryRequest, expected: readonly number[], mountFrom?: string): Promise<RegistryResponse> {
    const own = `repository:${this.name}:pull,push`;
    const scopes = mountFrom === undefined ? [own] : [own, `repository:${mountFrom}:pull`];
    return this.#session.call(call, scopes, expected);
  }

  /** Asks whether something is there, with the rights of `as`. */
  async has(kind: Kind, digest: Digest, as: 'reader' | 'writer' = 'reader'): Promise<boolean> {
    const headers = { accept: `${MANIFEST_TYPE}, */*` };
    const call = { method: 'HEAD', url: this.placeOf(kind, digest), headers } as const;
    const answer = await (as === 'reader' ? this.read(call, [200, 404]) : this.write(call, [200, 404]));
    dismiss(answer);
    return answer.status === 200;
  }

  unknown(digest: Digest): CleanRoomError {
    return new CleanRoomError('image-unknown', `${this.location} does not hold ${digest}.`);
  }
}

import type { RetryPolicy } from '@clean-room/node-support';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { MANIFEST_MAX_BYTES, MANIFEST_TYPE, type ImageFiles } from '@clean-room/protocol/packaging';
import { nodeDigestOf, nodeSha256, requireDigest, requireSize, verifiedChunks } from '../digests.js';
import {
  checkTag,
  inMemory,
  unknownImage,
  type ByteSource,
  type ImageStore,
  type NewLayer
} from '../store.js';
import { parseAddress } from './address.js';
import { Authentication } from './authentication.js';
import { dockerCredentials, type Credentials } from './credentials.js';
import { DEFAULT_RETRY_POLICY, retryRegistry } from './errors.js';
import { discardBody, readBody, type RegistryResponse } from './http.js';
import { Repository } from './repository.js';
import { RegistrySession } from './session.js';
import { downloadBlob, requireStoredDigest, uploadBlob } from './transfer.js';

/** Options of `RegistryStore.open`. */
export interface RegistryOptions {
  /** The credentials of `docker login` by default. */
  readonly credentials?: Credentials;
  /** How transient errors are retried; 6 attempts within about 6 seconds by default. */
  readonly retryPolicy?: RetryPolicy;
}

async function digestOfChunks(chunks: AsyncIterable<Uint8Array>, size: number): Promise<Digest> {
  const hash = nodeSha256();
  let seen = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    seen += chunk.length;
  }
  requireSize(seen, size);
  return digestFromHash(hash.digest());
}

/** An image store in a repository of an OCI registry (distribution-spec v1.1). */
export class RegistryStore implements ImageStore {
  readonly #repository: Repository;
  readonly #retryPolicy: RetryPolicy;

  private constructor(repository: Repository, retryPolicy: RetryPolicy) {
    this.#repository = repository;
    this.#retryPolicy = retryPolicy;
  }

  /**
   * Opens a repository. No request is sent before the first operation.
   *
   * @param address - `host[:port]/repository`
   * @throws CleanRoomError `malformed`
   */
  static open(address: string, options: RegistryOptions = {}): RegistryStore {
    const { credentials = dockerCredentials(), retryPolicy = DEFAULT_RETRY_POLICY } = options;
    const registry = parseAddress(address);
    const session = new RegistrySession(registry, new Authentication(registry, credentials));
    return new RegistryStore(new Repository(registry, session), retryPolicy);
  }

  get location(): string {
    return this.#repository.location;
  }

  hasBlob(digest: Digest): Promise<boolean> {
    return this.#retry(() => this.#repository.has('blobs', digest));
  }

  async *readBlob(digest: Digest): AsyncGenerator<Uint8Array> {
    const url = this.#repository.urlOf('blobs', digest);
    const open = async (headers: Record<string, string>): Promise<RegistryResponse> =>
      this.#requireFound(
        digest,
        await this.#repository.read({ method: 'GET', url, headers }, [200, 206, 404])
      );
    yield* verifiedChunks(digest, downloadBlob(open, this.#retryPolicy));
  }

  writeBlob(digest: Digest, size: number, bytes: ByteSource): Promise<void> {
    return this.#retry(() => uploadBlob(this.#repository, { digest, size, bytes }));
  }

  copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void> {
    const sameRegistry = from instanceof RegistryStore && from.#repository.origin === this.#repository.origin;
    const mountFrom = sameRegistry ? from.#repository.name : undefined;
    const bytes = (): AsyncIterable<Uint8Array> => from.readBlob(digest);
    return this.#retry(() => uploadBlob(this.#repository, { digest, size, bytes, mountFrom }));
  }

  hasManifest(digest: Digest): Promise<boolean> {
    return this.#retry(() => this.#repository.has('manifests', digest));
  }

  async readManifest(digest: Digest): Promise<Uint8Array> {
    const bytes = await this.#manifestAt(this.#repository.urlOf('manifests', digest));
    if (bytes === undefined) throw unknownImage(this.location, digest);
    requireDigest(nodeDigestOf(bytes), digest);
    return bytes;
  }

  async writeManifest(manifest: Uint8Array, name?: string): Promise<Digest> {
    const digest = nodeDigestOf(manifest);
    const url = this.#repository.url('manifests', name === undefined ? digest : checkTag(name));
    const headers = { 'content-type': MANIFEST_TYPE };
    const body = { size: manifest.length, bytes: inMemory(manifest) };
    await this.#retry(async () => {
      const answer = await this.#repository.write({ method: 'PUT', url, headers, body }, [201, 202]);
      discardBody(answer);
      requireStoredDigest(answer, digest);
    });
    return digest;
  }

  async writeImage<I extends ImageFiles>(
    { size, bytes }: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I> {
    // A registry needs the digest before the bytes, and may already have them. So the bytes are read once to compute it.
    const layer = await digestOfChunks(bytes(), size);
    const image = describe(layer);
    await this.writeBlob(layer, size, bytes);
    await this.writeBlob(nodeDigestOf(image.config), image.config.length, inMemory(image.config));
    await this.writeManifest(image.manifest, name);
    return image;
  }

  async resolve(name: string): Promise<Digest | undefined> {
    const bytes = await this.#manifestAt(this.#repository.url('manifests', checkTag(name)));
    return bytes === undefined ? undefined : nodeDigestOf(bytes);
  }

  /**
   * Resolves when the registry answers and accepts the credentials. Nothing is retried.
   *
   * @throws RegistryFailure
   */
  ping(): Promise<void> {
    return this.#repository.ping();
  }

  /**
   * Deletes a manifest with all its tags, if the repository has it. The registry itself frees the space of blobs that no
   * manifest names any more.
   *
   * @throws RegistryFailure also when the registry does not allow deletion
   */
  async deleteManifest(digest: Digest): Promise<void> {
    const url = this.#repository.urlOf('manifests', digest);
    await this.#retry(async () =>
      discardBody(await this.#repository.delete({ method: 'DELETE', url }, [200, 202, 204, 404]))
    );
  }

  #manifestAt(url: URL): Promise<Uint8Array | undefined> {
    return this.#retry(async () => {
      const request = { method: 'GET', url, headers: { accept: MANIFEST_TYPE } } as const;
      const answer = await this.#repository.read(request, [200, 404]);
      if (answer.status === 200) return readBody(answer, MANIFEST_MAX_BYTES);
      discardBody(answer);
      return undefined;
    });
  }

  #requireFound(digest: Digest, answer: RegistryResponse): RegistryResponse {
    if (answer.status !== 404) return answer;
    discardBody(answer);
    throw unknownImage(this.location, digest);
  }

  #retry<T>(work: () => Promise<T>): Promise<T> {
    return retryRegistry(this.#retryPolicy, work);
  }
}

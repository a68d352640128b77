import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import { MANIFEST_MAX_BYTES, MANIFEST_TYPE, type ImageFiles } from '@clean-room/protocol/packaging';
import { checkTag, inMemory, type ByteSource, type ImageStore, type NewLayer } from '../store.js';
import { nodeDigestOf, nodeSha256, requireDigest, requireSize, verified } from '../verified.js';
import { parseAddress } from './address.js';
import { Authentication } from './authentication.js';
import { dockerCredentials, type Credentials } from './credentials.js';
import { downloadBlob } from './download.js';
import { Repository } from './repository.js';
import { DEFAULT_RETRY_POLICY, retry, type RetryPolicy } from './retry.js';
import { RegistrySession } from './session.js';
import { requireSame, uploadBlob } from './upload.js';
import { dismiss, readBody, type RegistryResponse } from './wire.js';

export interface RegistryOptions {
  /** Those of `docker login` when absent. */
  readonly credentials?: Credentials;
  readonly patience?: RetryPolicy;
}

async function digestOfAll(chunks: AsyncIterable<Uint8Array>, size: number): Promise<Digest> {
  const hash = nodeSha256();
  let seen = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    seen += chunk.length;
  }
  requireSize(seen, size);
  return digestFromHash(hash.digest());
}

/** A repository of an OCI registry (distribution-spec v1.1). */
export class RegistryStore implements ImageStore {
  readonly #repository: Repository;
  readonly #patience: RetryPolicy;

  private constructor(repository: Repository, patience: RetryPolicy) {
    this.#repository = repository;
    this.#patience = patience;
  }

  /**
   * Nothing is sent before the first use.
   * @param address `host[:port]/repository`
   * @throws CleanRoomError `malformed`
   */
  static open(address: string, options: RegistryOptions = {}): RegistryStore {
    const { credentials = dockerCredentials(), patience = DEFAULT_RETRY_POLICY } = options;
    const registry = parseAddress(address);
    const session = new RegistrySession(registry, new Authentication(registry, credentials));
    return new RegistryStore(new Repository(registry, session), patience);
  }

  get location(): string {
    return this.#repository.location;
  }

  hasBlob(digest: Digest): Promise<boolean> {
    return this.#patiently(() => this.#repository.has('blobs', digest));
  }

  async *readBlob(digest: Digest): AsyncGenerator<Uint8Array> {
    const url = this.#repository.placeOf('blobs', digest);
    const open = async (headers: Record<string, string>): Promise<RegistryResponse> =>
      this.#found(digest, await this.#repository.read({ method: 'GET', url, headers }, [200, 206, 404]));
    yield* verified(digest, downloadBlob(open, this.#patience));
  }

  writeBlob(digest: Digest, size: number, bytes: ByteSource): Promise<void> {
    return this.#patiently(() => uploadBlob(this.#repository, { digest, size, bytes }));
  }

  copyBlob(from: ImageStore, digest: Digest, size: number): Promise<void> {
    const isNeighbour = from instanceof RegistryStore && from.#repository.origin === this.#repository.origin;
    const mountFrom = isNeighbour ? from.#repository.name : undefined;
    const bytes = (): AsyncIterable<Uint8Array> => from.readBlob(digest);
    return this.#patiently(() => uploadBlob(this.#repository, { digest, size, bytes, mountFrom }));
  }

  hasManifest(digest: Digest): Promise<boolean> {
    return this.#patiently(() => this.#repository.has('manifests', digest));
  }

  async readManifest(digest: Digest): Promise<Uint8Array> {
    const bytes = await this.#manifestAt(this.#repository.placeOf('manifests', digest));
    if (bytes === undefined) throw this.#repository.unknown(digest);
    requireDigest(nodeDigestOf(bytes), digest);
    return bytes;
  }

  async writeManifest(manifest: Uint8Array, name?: string): Promise<Digest> {
    const digest = nodeDigestOf(manifest);
    const url = this.#repository.place('manifests', name === undefined ? digest : checkTag(name));
    const headers = { 'content-type': MANIFEST_TYPE };
    const body = { size: manifest.length, bytes: inMemory(manifest) };
    await this.#patiently(async () => {
      const answer = await this.#repository.write({ method: 'PUT', url, headers, body }, [201, 202]);
      dismiss(answer);
      requireSame(answer, digest);
    });
    return digest;
  }

  async writeImage<I extends ImageFiles>(
    { size, bytes }: NewLayer,
    describe: (layer: Digest) => I,
    name?: string
  ): Promise<I> {
    // A registry wants the digest before it takes the bytes, and may have them: so they are read once to know it.
    const layer = await digestOfAll(bytes(), size);
    const image = describe(layer);
    await this.writeBlob(layer, size, bytes);
    await this.writeBlob(nodeDigestOf(image.config), image.config.length, inMemory(image.config));
    await this.writeManifest(image.manifest, name);
    return image;
  }

  async resolve(name: string): Promise<Digest | undefined> {
    const bytes = await this.#manifestAt(this.#repository.place('manifests', checkTag(name)));
    return bytes === undefined ? undefined : nodeDigestOf(bytes);
  }

  #manifestAt(url: URL): Promise<Uint8Array | undefined> {
    return this.#patiently(async () => {
      const call = { method: 'GET', url, headers: { accept: MANIFEST_TYPE } } as const;
      const answer = await this.#repository.read(call, [200, 404]);
      if (answer.status === 200) return readBody(answer, MANIFEST_MAX_BYTES);
      dismiss(answer);
      return undefined;
    });
  }

  #found(digest: Digest, answer: RegistryResponse): RegistryResponse {
    if (answer.status !== 404) return answer;
    dismiss(answer);
    throw this.#repository.unknown(digest);
  }

  #patiently<T>(work: () => Promise<T>): Promise<T> {
    return retry(this.#patience, work);
  }
}

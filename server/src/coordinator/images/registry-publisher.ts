import { packageImage, RegistryStore, type RegistryOptions } from '@clean-room/oci';
import type { Digest } from '@clean-room/protocol/bytes';
import type { ImageParts, ImagePublisher } from './publisher.js';

/** The repositories of one coordinator. */
interface Repositories {
  /** `host/repository` for the images of revisions. */
  readonly repository: string;
  /** `host/repository` with the kernel images. In the same registry, their layers are mounted, not copied. */
  readonly kernelImages: string;
}

/**
 * Publishes to a repository of an OCI registry, such as Artifact Registry. Images have no tags: TEEs start from digests, and a
 * registry with immutable tags would never delete a tagged image.
 */
export class RegistryPublisher implements ImagePublisher {
  readonly #store: RegistryStore;
  readonly #kernelImages: RegistryStore;

  /**
   * Creates a publisher; nothing is sent yet.
   *
   * @throws CleanRoomError `malformed` when an address is not one of a repository
   */
  constructor({ repository, kernelImages }: Repositories, options: RegistryOptions) {
    this.#store = RegistryStore.open(repository, options);
    this.#kernelImages = RegistryStore.open(kernelImages, options);
  }

  async publish(image: Digest, parts: ImageParts): Promise<string> {
    if (!(await this.#store.hasManifest(image))) {
      await packageImage({ ...parts, kernelImages: this.#kernelImages, store: this.#store, image });
    }
    return `${this.#store.location}@${image}`;
  }

  remove(image: Digest): Promise<void> {
    return this.#store.deleteManifest(image);
  }

  async ping(): Promise<void> {
    await this.#store.ping();
    await this.#kernelImages.ping();
  }
}

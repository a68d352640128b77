import { isCleanRoomError } from '@clean-room/protocol/errors';
import { LayoutStore, packageImage } from '@clean-room/oci';
import type { Digest } from '@clean-room/protocol/bytes';
import { readManifest } from '@clean-room/protocol/packaging';
import type { ImageParts, ImagePublisher } from './publisher.js';

/** Publishes to an OCI layout folder, which also contains the kernel images. */
export class LayoutPublisher implements ImagePublisher {
  readonly #store: LayoutStore;

  private constructor(store: LayoutStore) {
    this.#store = store;
  }

  /** Opens an OCI layout folder. */
  static async open(folder: string): Promise<LayoutPublisher> {
    return new LayoutPublisher(await LayoutStore.open(folder));
  }

  async publish(image: Digest, parts: ImageParts): Promise<string> {
    if (!(await this.#store.hasManifest(image))) {
      await packageImage({ ...parts, kernelImages: this.#store, store: this.#store, image });
    }
    return `${this.#store.location}@${image}`;
  }

  async remove(image: Digest): Promise<void> {
    let manifest: Uint8Array;
    try {
      manifest = await this.#store.readManifest(image);
    } catch (error) {
      if (isCleanRoomError(error, 'image-unknown')) return;
      throw error;
    }
    const { config, layers } = readManifest(manifest).value;
    // The manifest goes first: an image with a manifest is complete, also after an interrupted removal.
    await this.#store.deleteBlob(image);
    await this.#store.deleteBlob(config.digest);
    // The last layer contains the spec, so no other image has it.
    const own = layers.at(-1);
    if (own !== undefined) await this.#store.deleteBlob(own.digest);
  }

  async ping(): Promise<void> {
    await this.#store.resolve('latest');
  }
}

import { LayoutStore, storeRevision } from '@clean-room/oci';
import type { KernelImageFiles, Revision } from '@clean-room/protocol/packaging';

/** Puts a revision's image where TEEs start from. */
export interface ImagePublisher {
  /**
   * Publishing what is there already does nothing. The kernel image's layers are there before.
   * @throws CleanRoomError `image-unknown` when the kernel image is missing, `registry-failed` when a later try may help
   */
  publish(kernelImage: KernelImageFiles, revision: Revision): Promise<void>;
}

/** Publishes into an OCI layout folder, which holds the kernel images too. */
export class LayoutPublisher implements ImagePublisher {
  readonly #store: LayoutStore;

  private constructor(store: LayoutStore) {
    this.#store = store;
  }

  static async open(folder: string): Promise<LayoutPublisher> {
    return new LayoutPublisher(await LayoutStore.open(folder));
  }

  async publish(kernelImage: KernelImageFiles, revision: Revision): Promise<void> {
    if (await this.#store.hasManifest(revision.imageDigest)) return;
    await storeRevision(this.#store, this.#store, kernelImage, revision);
  }
}

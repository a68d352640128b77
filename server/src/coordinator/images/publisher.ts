import { LayoutStore, packageImage } from '@clean-room/oci';
import type { Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import type { KernelImageDocuments, RevisionFile } from '@clean-room/protocol/packaging';
import type { Spec } from '@clean-room/protocol/submissions';

/** What a revision's image is made of. */
export interface ImageParts {
  readonly kernelImage: KernelImageDocuments;
  readonly spec: ReadDocument<Spec>;
  readonly files: readonly RevisionFile[];
}

/** Puts a revision's image where TEEs start from. */
export interface ImagePublisher {
  /**
   * Publishing what is there already does nothing. The kernel image's layers are there before.
   * @param image the one that was approved
   * @throws CleanRoomError `digest-mismatch` when the parts make another image, `image-unknown` when the kernel image is
   * missing, `registry-failed` when a later try may help
   */
  publish(image: Digest, parts: ImageParts): Promise<void>;
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

  async publish(image: Digest, parts: ImageParts): Promise<void> {
    if (await this.#store.hasManifest(image)) return;
    await packageImage({ ...parts, kernelImages: this.#store, store: this.#store, image });
  }
}

import { LayoutStore, packageImage } from '@clean-room/oci';
import type { Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import type { KernelImageDocuments, RevisionFile } from '@clean-room/protocol/packaging';
import type { Spec } from '@clean-room/protocol/submissions';

/** The parts that a revision's image is composed of. */
interface ImageParts {
  readonly kernelImage: KernelImageDocuments;
  readonly spec: ReadDocument<Spec>;
  readonly files: readonly RevisionFile[];
}

/** Writes images of revisions to the registry or folder that TEEs start from. */
export interface ImagePublisher {
  /**
   * Publishes a revision's image, unless it is already published. The layers of its kernel image must be present.
   *
   * @param image - digest of the approved image
   * @throws CleanRoomError `digest-mismatch` when the parts compose another image, `image-unknown` when the kernel image is
   * missing, `registry-failed` when a later attempt may succeed
   */
  publish(image: Digest, parts: ImageParts): Promise<void>;
}

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

  async publish(image: Digest, parts: ImageParts): Promise<void> {
    if (await this.#store.hasManifest(image)) return;
    await packageImage({ ...parts, kernelImages: this.#store, store: this.#store, image });
  }
}

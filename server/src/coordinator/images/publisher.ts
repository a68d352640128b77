import type { Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import type { KernelImageDocuments, RevisionFile } from '@clean-room/protocol/packaging';
import type { Spec } from '@clean-room/protocol/submissions';

/** The parts that a revision's image is composed of. */
export interface ImageParts {
  readonly kernelImage: KernelImageDocuments;
  readonly spec: ReadDocument<Spec>;
  readonly files: readonly RevisionFile[];
}

/** Writes images of revisions to the registry or folder that TEEs start from. Every operation can be repeated. */
export interface ImagePublisher {
  /**
   * Publishes a revision's image, unless it is already published. The layers of its kernel image must be present.
   *
   * @param image - digest of the approved image
   * @returns the image's reference by digest, from which a TEE starts
   * @throws CleanRoomError `digest-mismatch` when the parts compose another image, `image-unknown` when the kernel image is
   * missing, `registry-failed` or `unavailable` when a later attempt may succeed
   */
  publish(image: Digest, parts: ImageParts): Promise<string>;
  /**
   * Removes the image of a revision that can no longer run, if it is published. Its kernel image stays.
   *
   * @throws CleanRoomError `registry-failed`, also when the registry does not allow deletion
   */
  remove(image: Digest): Promise<void>;
  /** Resolves when images can be published. */
  ping(): Promise<void>;
}

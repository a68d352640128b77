import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement, requireKnownRoots } from '@clean-room/protocol/kernel-images';
import { readKernelImage, type KernelImageDocuments } from '@clean-room/protocol/packaging';

/** A kernel image that this server can package with, with its signed statement. */
export interface KernelImageOnFile {
  readonly digest: Digest;
  readonly name: string;
  readonly accelerator: 'none' | 'gpu';
  /** Whether it was signed with a key that was created on this machine. Such images are for simulation only. */
  readonly development: boolean;
  /** Public key that signed the statement. */
  readonly signer: string;
  readonly statement: Envelope;
  readonly image: KernelImageDocuments;
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}

/** The kernel images that this server packages with. Only manifest and configuration are kept, a few kilobytes per image. */
export class KernelImages {
  readonly #images: ReadonlyMap<Digest, KernelImageOnFile>;

  constructor(images: readonly KernelImageOnFile[]) {
    this.#images = new Map(images.map(image => [image.digest, image]));
  }

  /**
   * Reads kernel images from folders.
   *
   * @param folders - folders that contain `manifest.json`, `config.json` and `statement.json`
   * @throws CleanRoomError `image-unknown` when a file is missing, or the error of {@link kernelImageOf}
   */
  static async read(folders: readonly string[]): Promise<KernelImages> {
    return new KernelImages(await Promise.all(folders.map(readFolder)));
  }

  /** Returns all kernel images. */
  all(): KernelImageOnFile[] {
    return [...this.#images.values()];
  }

  /**
   * Returns the kernel image with a digest.
   *
   * @throws CleanRoomError `image-unknown`
   */
  get(digest: Digest): KernelImageOnFile {
    const image = this.#images.get(digest);
    if (image === undefined) {
      throw new CleanRoomError('image-unknown', `This server does not have the kernel image ${digest}.`, {
        remedy:
          this.#images.size === 0
            ? 'Ask the operator to add a kernel image to this server.'
            : `Submit with ${this.all()
                .map(({ name }) => name)
                .join(' or ')}.`
      });
    }
    return image;
  }
}

async function readFolder(folder: string): Promise<KernelImageOnFile> {
  const read = async (name: string): Promise<Uint8Array> => {
    try {
      return new Uint8Array(await readFile(path.join(folder, name)));
    } catch (cause) {
      throw new CleanRoomError(
        'image-unknown',
        `The kernel image in ${folder} has no readable file ${name}.`,
        {
          remedy: 'Import the kernel image again.',
          cause
        }
      );
    }
  };
  const [manifest, config, signed] = await Promise.all([
    read('manifest.json'),
    read('config.json'),
    read('statement.json')
  ]);
  return kernelImageOf(
    manifest,
    config,
    checkSchema(Envelope, parseStrictJson(signed), 'kernel image statement')
  );
}

/**
 * Checks that manifest, configuration and signed statement belong to one kernel image.
 *
 * @throws CleanRoomError `digest-mismatch` when they belong to different images, `signature-invalid`, `malformed`, `policy-refused` for an
 * image of a build for tests
 */
export function kernelImageOf(
  manifest: Uint8Array,
  config: Uint8Array,
  statement: Envelope
): KernelImageOnFile {
  const signer = statement.signatures[0]?.keyid ?? '';
  const { value } = KernelImageStatement.open(statement, signer);
  requireKnownRoots(value);
  const image = readKernelImage({ manifest, config });
  const { digest } = image;
  if (value.digest !== digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      `The signed statement of ${value.name} is about another image.`,
      {
        remedy: 'Import the kernel image again.'
      }
    );
  }
  const { name, accelerator, development } = value;
  return { digest, name, accelerator, development, signer, statement, image, manifest, config };
}

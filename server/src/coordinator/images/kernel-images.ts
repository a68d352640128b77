import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '@clean-room/protocol/bytes';
import { checkSchema, Envelope, parseStrictJson } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KernelImageStatement } from '@clean-room/protocol/kernel-images';
import { readKernelImage, type KernelImageDocuments } from '@clean-room/protocol/packaging';

export interface KernelImageOnFile {
  readonly digest: Digest;
  readonly name: string;
  readonly accelerator: 'none' | 'gpu';
  /** Signed by a key made on this machine: for simulation only. */
  readonly development: boolean;
  /** Key of the one who signed the statement. */
  readonly signer: string;
  readonly statement: Envelope;
  readonly image: KernelImageDocuments;
  readonly manifest: Uint8Array;
  readonly config: Uint8Array;
}

/** The kernel images this server packages with. Kilobytes: manifest and config, not the image itself. */
export class KernelImages {
  readonly #images: ReadonlyMap<Digest, KernelImageOnFile>;

  constructor(images: readonly KernelImageOnFile[]) {
    this.#images = new Map(images.map(image => [image.digest, image]));
  }

  /**
   * @param folders each with `manifest.json`, `config.json` and `statement.json`
   * @throws CleanRoomError when one is not there, or its parts do not belong together
   */
  static async read(folders: readonly string[]): Promise<KernelImages> {
    return new KernelImages(await Promise.all(folders.map(readFolder)));
  }

  all(): KernelImageOnFile[] {
    return [...this.#images.values()];
  }

  /** @throws CleanRoomError `image-unknown` */
  get(digest: Digest): KernelImageOnFile {
    const image = this.#images.get(digest);
    if (image === undefined) {
      throw new CleanRoomError('image-unknown', `This server does not have the kernel image ${digest}.`, {
        remedy: `Submit with ${
          this.all()
            .map(({ name }) => name)
            .join(' or ') || 'a server that has one'
        }.`
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
      throw new CleanRoomError('image-unknown', `The kernel image in ${folder} has no ${name}.`, { cause });
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

/** @throws CleanRoomError `digest-mismatch` when the parts are of different images, `signature-invalid`, `malformed` */
export function kernelImageOf(
  manifest: Uint8Array,
  config: Uint8Array,
  statement: Envelope
): KernelImageOnFile {
  const signer = statement.signatures[0]?.keyid ?? '';
  const { value } = KernelImageStatement.open(statement, signer);
  const image = readKernelImage({ manifest, config });
  const { digest } = image;
  if (value.digest !== digest) {
    throw new CleanRoomError('digest-mismatch', `The statement of ${value.name} is of another image.`);
  }
  const { name, accelerator, development } = value;
  return { digest, name, accelerator, development, signer, statement, image, manifest, config };
}

import { digestFromHash, pureSha256, type Digest, type HasherFactory } from '../bytes/digest.js';
import type { ReadDocument } from '../documents/document.js';
import { CleanRoomError } from '../errors/index.js';
import { readSpec } from '../submissions/check.js';
import { SPEC_PATH, WORKSPACE_PATH, type Spec } from '../submissions/spec.js';
import { checkedContent, type RevisionFile } from './file.js';
import {
  imageOver,
  readKernelImage,
  type ComposedImage,
  type KernelImageDocuments,
  type KernelImageFiles
} from './image.js';
import { layOutTar, type TarEntry } from './tar.js';
import { checkWorkspace, foldersAbove } from './workspace.js';

/** The one layer that a revision adds to its kernel image: an uncompressed tar. */
export interface RevisionLayer {
  /** The size of the tar in bytes. */
  readonly size: number;
  /**
   * Returns the bytes of the tar. Each call reads the files again, and compares each with its digest.
   *
   * @throws CleanRoomError `digest-mismatch`, while it is read, when a file no longer matches the spec
   */
  chunks(): AsyncIterable<Uint8Array>;
}

/** The image of a revision, with the layer that it adds to the layers of its kernel image. */
export interface RevisionImage extends ComposedImage {
  readonly layer: RevisionLayer & { readonly digest: Digest };
}

function directories(paths: readonly string[]): TarEntry[] {
  const all = new Set(paths.flatMap(path => [...foldersAbove(path)]));
  return [...all].map(path => ({ type: 'directory', path, mode: 0o755 }));
}

/** Returns the files in the order of the spec, after checking that they are exactly those that the spec names. */
function filesOfSpec({ workspace }: Spec, files: readonly RevisionFile[]): RevisionFile[] {
  const given = new Map(files.map(file => [file.path, file]));
  if (files.length !== workspace.length || given.size !== files.length)
    throw new CleanRoomError('digest-mismatch', 'The files are not exactly the ones that the spec names.');
  return workspace.map(named => {
    const file = given.get(named.path);
    if (file?.digest !== named.digest || file.bytes !== named.bytes) {
      throw new CleanRoomError('digest-mismatch', `"${named.path}" is not the file that the spec names.`);
    }
    return file;
  });
}

/**
 * Lays out the layer of a revision: a deterministic uncompressed tar with the spec and the files that it names. Everything in it
 * is owned by root and has the epoch as its time.
 *
 * @param spec - its canonical bytes, or the result of `readSpec`
 * @param files - exactly the files that the spec names, in any order
 * @param hasher - a faster SHA-256, where the platform has one
 * @throws CleanRoomError `workspace-refused` when the files cannot be packaged safely
 * @throws CleanRoomError `digest-mismatch` when the files are not those of the spec
 * @throws CleanRoomError `malformed` when the spec is not valid
 */
export function revisionLayer(
  spec: Uint8Array | ReadDocument<Spec>,
  files: readonly RevisionFile[],
  hasher: HasherFactory = pureSha256
): RevisionLayer {
  checkWorkspace(files);
  const { value, bytes } = 'value' in spec ? spec : readSpec(spec);
  const contents: TarEntry[] = [
    { type: 'file', path: SPEC_PATH, mode: 0o644, size: bytes.length, content: () => [bytes] },
    ...filesOfSpec(value, files).map((file): TarEntry => ({
      type: 'file',
      path: `${WORKSPACE_PATH}/${file.path}`,
      mode: 0o644,
      size: file.bytes,
      content: () => checkedContent(file, hasher)
    }))
  ];
  return layOutTar([...directories(contents.map(entry => entry.path)), ...contents]);
}

/**
 * Composes the image of a revision: the kernel image, and one deterministic uncompressed layer with the spec and the files that
 * it names. The same inputs give the same digest on every machine.
 *
 * @param kernelImage - its manifest and config, or the result of `readKernelImage`
 * @param spec - its canonical bytes, or the result of `readSpec`
 * @param files - exactly the files that the spec names, in any order
 * @param hasher - a faster SHA-256, where the platform has one
 * @throws CleanRoomError `workspace-refused` when the files cannot be packaged safely
 * @throws CleanRoomError `digest-mismatch` when the files are not those of the spec, or change while they are read
 * @throws CleanRoomError `malformed` when the spec or the kernel image is not valid
 *
 * @example
 * ```ts
 * import { digestOf, utf8 } from '@clean-room/protocol/bytes';
 * import { canonicalJson } from '@clean-room/protocol/documents';
 * import { composeImage, CONFIG_TYPE, heldFile, LAYER_TYPE, MANIFEST_TYPE } from '@clean-room/protocol/packaging';
 *
 * // A kernel image with one layer. Real ones are published with the clean room.
 * const base = digestOf(utf8('the layer of the kernel image'));
 * const config = canonicalJson({
 *   architecture: 'amd64',
 *   os: 'linux',
 *   config: { Entrypoint: ['/supervisor'] },
 *   rootfs: { type: 'layers', diff_ids: [base] }
 * });
 * const manifest = canonicalJson({
 *   schemaVersion: 2,
 *   mediaType: MANIFEST_TYPE,
 *   config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
 *   layers: [{ mediaType: LAYER_TYPE, digest: base, size: 1024 }]
 * });
 *
 * const notebook = heldFile('notebook.ipynb', utf8('{}'));
 * const { path, digest, bytes } = notebook;
 * const spec = canonicalJson({
 *   format: 'clean-room.spec/v1',
 *   collaboration: digestOf(utf8('the collaboration document')),
 *   purpose: 'Cost of chronic illness',
 *   kernelImage: digestOf(manifest),
 *   workspace: [{ path, digest, bytes }],
 *   notebook: path,
 *   parameters: '{}',
 *   assets: [],
 *   submitter: `ed25519:${'A'.repeat(43)}`,
 *   recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
 *   compute: { processors: 2, memoryBytes: 2 ** 31, accelerator: 'none' }
 * });
 *
 * const image = await composeImage({ manifest, config }, spec, [notebook]);
 * console.log(image.imageDigest.slice(0, 15)); // sha256:fa6ad095
 * ```
 */
export async function composeImage(
  kernelImage: KernelImageFiles | KernelImageDocuments,
  spec: Uint8Array | ReadDocument<Spec>,
  files: readonly RevisionFile[],
  hasher: HasherFactory = pureSha256
): Promise<RevisionImage> {
  const layer = revisionLayer(spec, files, hasher);
  const hash = hasher();
  for await (const chunk of layer.chunks()) hash.update(chunk);
  const digest = digestFromHash(hash.digest());
  return {
    layer: { ...layer, digest },
    ...imageOver(readKernelImage(kernelImage), { digest, size: layer.size }, hasher)
  };
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { packageImage } from '@clean-room/oci/revision';
import { readWorkspace } from '@clean-room/oci/workspace';
import {
  readManifest,
  type KernelImageDocuments,
  type KernelImageFiles
} from '@clean-room/protocol/packaging';
import { readSpec } from '@clean-room/protocol/submissions';
import type { Fixture } from './fixture.ts';

/** Packages a workspace with its spec into a layout folder that already contains the kernel image. */
export async function packageOnce(
  store: LayoutStore,
  kernelImage: KernelImageDocuments | KernelImageFiles,
  { workspace, spec }: Pick<Fixture, 'workspace' | 'spec'>,
  name?: string
): Promise<void> {
  const files = await readWorkspace(workspace);
  await packageImage({
    kernelImage,
    kernelImages: store,
    spec,
    files,
    store,
    ...(name !== undefined && { name })
  });
}

/**
 * Packages a folder that contains `spec.json` and `workspace/`, on the kernel image in a layout folder.
 *
 * @param words - the layout folder, the folder to package, and the tag of the image
 */
export async function packageFolder([layout = '', staged = '', name = '']: readonly string[]): Promise<void> {
  const store = await LayoutStore.open(layout);
  const digest = await store.resolve('kernel');
  if (digest === undefined) throw new Error('The layout folder does not contain a kernel image.');
  const manifest = await store.readManifest(digest);
  const config = await readFile(store.blobPath(readManifest(manifest).value.config.digest));
  const spec = readSpec(await readFile(join(staged, 'spec.json')));
  await packageOnce(store, { manifest, config }, { workspace: join(staged, 'workspace'), spec }, name);
}

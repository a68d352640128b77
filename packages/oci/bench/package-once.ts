import type { LayoutStore } from '@clean-room/oci/layout';
import { packageImage } from '@clean-room/oci/revision';
import { readWorkspace } from '@clean-room/oci/workspace';
import type { KernelImageDocuments, KernelImageFiles } from '@clean-room/protocol/packaging';
import type { Scene } from './scene.ts';

/** From a folder and a spec to an image in a layout folder that has the kernel image already. */
export async function packageOnce(
  store: LayoutStore,
  kernelImage: KernelImageDocuments | KernelImageFiles,
  { workspace, spec }: Pick<Scene, 'workspace' | 'spec'>,
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

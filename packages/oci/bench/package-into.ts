import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { readManifest } from '@clean-room/protocol/packaging';
import { readSpec } from '@clean-room/protocol/submissions';
import { packageOnce } from './package-once.ts';

/** Packages a folder with `spec.json` and `workspace/` on the kernel image that a layout folder has. */
export async function packageInto([layout = '', staged = '', name = '']: readonly string[]): Promise<void> {
  const store = await LayoutStore.open(layout);
  const digest = await store.resolve('kernel');
  if (digest === undefined) throw new Error('There is no kernel image.');
  const manifest = await store.readManifest(digest);
  const config = await readFile(store.blobPath(readManifest(manifest).value.config.digest));
  const spec = readSpec(await readFile(join(staged, 'spec.json')));
  await packageOnce(store, { manifest, config }, { workspace: join(staged, 'workspace'), spec }, name);
}

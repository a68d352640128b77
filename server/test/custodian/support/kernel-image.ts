import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { canonicalJson } from '@clean-room/protocol/documents';
import { CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE } from '@clean-room/protocol/packaging';

/** The arguments that the program of the kernel image is started with. */
export const ENTRYPOINT = ['/usr/lib/clean-room/node', '/usr/lib/clean-room/supervisor.js'];

/** Writes the manifest and config of a kernel image. Tests need only its digests, so it has no layers. */
export async function writeKernelImage(folder: string, name = 'python-cpu'): Promise<void> {
  const layer = digestOf(utf8('a layer of libraries'));
  const config = canonicalJson({
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ENTRYPOINT, User: '0:0', WorkingDir: '/', Env: ['PATH=/usr/bin'] },
    rootfs: { type: 'layers', diff_ids: [layer] }
  });
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: LAYER_TYPE, digest: layer, size: 20 }]
  });
  const target = path.join(folder, name);
  await mkdir(target, { recursive: true });
  await writeFile(path.join(target, 'manifest.json'), manifest);
  await writeFile(path.join(target, 'config.json'), config);
}

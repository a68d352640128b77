import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { readWorkspace } from '@clean-room/oci/workspace';
import { digestFromHash, digestOf, utf8 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import {
  heldFile,
  tarSize,
  writeTar,
  type KernelImageFiles,
  type RevisionFile
} from '@clean-room/protocol/packaging';
import { Spec, readSpec, sortedByName } from '@clean-room/protocol/submissions';
import { describeImage } from '../test/support/image.ts';

const MIB = 1024 ** 2;
/** 500 MB in the layers that a kernel image has: its system, its libraries, our own parts. */
const LAYER_BYTES = [180 * MIB, 310 * MIB, 10 * MIB];
const WORKSPACE_BYTES = 5 * MIB;
const WORKSPACE_FILES = 60;

/** A workspace, its spec, and a layout folder that holds a kernel image under the name `kernel`. */
export interface Scene {
  readonly folder: string;
  readonly layout: string;
  readonly workspace: string;
  /** `spec.json` and `workspace/`, as tools want to have them that insert a folder. */
  readonly staged: string;
  readonly kernelImage: KernelImageFiles;
  /** What never changes of the workspace. */
  readonly files: readonly RevisionFile[];
  spec: ReadDocument<Spec>;
}

async function putLayer(store: LayoutStore, index: number, bytes: number) {
  const content = function* (): Generator<Uint8Array> {
    for (let block = 0; block < bytes / MIB; block++) yield Buffer.alloc(MIB, `${index} ${block} `);
  };
  const entries = [{ type: 'file', path: `usr-${index}`, mode: 0o644, size: bytes, content }] as const;
  const hash = createHash('sha256');
  for await (const chunk of writeTar(entries)) hash.update(chunk);
  const digest = digestFromHash(hash.digest());
  const size = tarSize(entries);
  await store.writeBlob(digest, size, () => writeTar(entries));
  return { digest, size };
}

async function putKernelImage(layout: string): Promise<KernelImageFiles> {
  const store = await LayoutStore.open(layout);
  const layers = await Promise.all(LAYER_BYTES.map((bytes, index) => putLayer(store, index, bytes)));
  const { manifest, config } = describeImage(layers);
  await store.writeBlob(digestOf(config), config.length, async function* () {
    yield config;
  });
  await store.writeManifest(manifest, 'kernel');
  return { manifest, config };
}

export async function makeScene(folder: string): Promise<Scene> {
  const [layout, staged] = [join(folder, 'layout'), join(folder, 'staged')];
  const workspace = join(staged, 'workspace');
  const kernelImage = await putKernelImage(layout);
  for (let n = 0; n < WORKSPACE_FILES; n++) {
    const path = join(workspace, n === 0 ? 'explore.ipynb' : `lib-${n % 6}/file-${n}.csv`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, randomBytes(Math.floor(WORKSPACE_BYTES / WORKSPACE_FILES / 2)).toString('hex'));
  }
  const files = await readWorkspace(workspace);
  const place = { folder, layout, workspace, staged, kernelImage, files };
  return { ...place, spec: await change(place, '') };
}

const CHANGED = 'round.txt';

/** Changes one file, so that nobody can use what was left behind by anybody before. */
export async function change(scene: Omit<Scene, 'spec'>, content: string): Promise<ReadDocument<Spec>> {
  await writeFile(join(scene.workspace, CHANGED), content);
  const files = [...scene.files, heldFile(CHANGED, utf8(content))];
  const spec = Spec.write({
    format: 'clean-room.spec/v1',
    collaboration: digestOf(scene.kernelImage.config),
    purpose: 'A measurement',
    kernelImage: digestOf(scene.kernelImage.manifest),
    workspace: sortedByName(files, file => file.path).map(({ path, digest, bytes }) => ({
      path,
      digest,
      bytes
    })),
    notebook: 'explore.ipynb',
    parameters: '{}',
    assets: [],
    submitter: `ed25519:${'A'.repeat(43)}`,
    recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
    compute: { processors: 1, memoryBytes: 1024 ** 3, accelerator: 'none' }
  });
  await writeFile(join(scene.staged, 'spec.json'), spec);
  return readSpec(spec);
}

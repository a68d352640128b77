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
/** 500 MB in the layers of a kernel image: the system, the libraries, our own programs. */
const LAYER_BYTES = [180 * MIB, 310 * MIB, 10 * MIB];
const WORKSPACE_BYTES = 5 * MIB;
const WORKSPACE_FILES = 60;

/** A workspace, its spec, and a layout folder that holds a kernel image under the name `kernel`. */
export interface Fixture {
  readonly folder: string;
  readonly layout: string;
  readonly workspace: string;
  /** The folder with `spec.json` and `workspace/` that other tools insert into an image. */
  readonly staged: string;
  readonly kernelImage: KernelImageFiles;
  /** The files of the workspace that are the same in every round. */
  readonly files: readonly RevisionFile[];
  spec: ReadDocument<Spec>;
}

async function writeLayer(store: LayoutStore, index: number, bytes: number) {
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

async function writeKernelImage(layout: string): Promise<KernelImageFiles> {
  const store = await LayoutStore.open(layout);
  const layers = await Promise.all(LAYER_BYTES.map((bytes, index) => writeLayer(store, index, bytes)));
  const { manifest, config } = describeImage(layers);
  await store.writeBlob(digestOf(config), config.length, async function* () {
    yield config;
  });
  await store.writeManifest(manifest, 'kernel');
  return { manifest, config };
}

/** Creates the workspace and the layout folder with the kernel image, below `folder`. */
export async function createFixture(folder: string): Promise<Fixture> {
  const [layout, staged] = [join(folder, 'layout'), join(folder, 'staged')];
  const workspace = join(staged, 'workspace');
  const kernelImage = await writeKernelImage(layout);
  for (let n = 0; n < WORKSPACE_FILES; n++) {
    const path = join(workspace, n === 0 ? 'explore.ipynb' : `lib-${n % 6}/file-${n}.csv`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, randomBytes(Math.floor(WORKSPACE_BYTES / WORKSPACE_FILES / 2)).toString('hex'));
  }
  const files = await readWorkspace(workspace);
  const paths = { folder, layout, workspace, staged, kernelImage, files };
  return { ...paths, spec: await change(paths, '') };
}

const CHANGED = 'round.txt';

/** Changes one file of the workspace, so that no contender can reuse results of an earlier round. */
export async function change(fixture: Omit<Fixture, 'spec'>, content: string): Promise<ReadDocument<Spec>> {
  await writeFile(join(fixture.workspace, CHANGED), content);
  const files = [...fixture.files, heldFile(CHANGED, utf8(content))];
  const spec = Spec.write({
    format: 'clean-room.spec/v1',
    collaboration: digestOf(fixture.kernelImage.config),
    purpose: 'A measurement',
    kernelImage: digestOf(fixture.kernelImage.manifest),
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
  await writeFile(join(fixture.staged, 'spec.json'), spec);
  return readSpec(spec);
}

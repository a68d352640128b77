import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LayoutStore } from '@clean-room/oci/layout';
import { utf8 } from '@clean-room/protocol/bytes';
import { EXECUTOR_FOLDER, executorFiles, wardenBuild } from '@clean-room/sandbox/build';
import { policyBytes } from '@clean-room/sandbox/policy';
import type { ImageLock } from '../definition/lock.js';
import type { InputCache } from '../inputs/input-cache.js';
import { bundleSupervisor } from '../parts/supervisor.js';
import { compileWarden } from '../parts/warden.js';
import { precompile } from '../precompile/precompile.js';
import { FileTree } from '../tree/file-tree.js';
import { writeLayer, type Layer } from './layer.js';
import { JAIL, OWN_FOLDER, packagesFolder, SUPERVISOR_PATH } from './paths.js';

/** The input of `composeOwnLayer`. */
export interface OwnLayerOptions {
  /** The folder of the project. */
  readonly root: string;
  readonly lock: ImageLock;
  readonly inputs: InputCache;
  /** The folder for compilers and compiled programs. */
  readonly tools: string;
  readonly store: LayoutStore;
  /** The unpacked jail of the layers below. */
  readonly jail: string;
}

/** Adds the Python files below a folder to a tree: sources and the marker of typed packages, and nothing else. */
async function addPythonSources(folder: string, tree: FileTree, target: string): Promise<void> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of found) {
    if (!entry.isFile() || !(entry.name.endsWith('.py') || entry.name === 'py.typed')) continue;
    const path = join(entry.parentPath, entry.name);
    await tree.addFile(`${target}/${path.slice(folder.length + 1)}`, await readFile(path));
  }
}

/** Builds the layer of our own parts: everything in the image that is made from this repository. */
export async function composeOwnLayer({
  root,
  lock,
  inputs,
  tools,
  store,
  jail
}: OwnLayerOptions): Promise<Layer> {
  const images = join(root, 'kernel-images');
  const { version } = lock.python;
  const folder = await mkdtemp(join(tmpdir(), 'clean-room-own-'));
  try {
    const tree = new FileTree(folder);
    await tree.addFile(SUPERVISOR_PATH, await bundleSupervisor(root));
    await tree.addFile(`${OWN_FOLDER}/package.json`, utf8('{"type":"module"}\n'));
    await tree.addFile(`${OWN_FOLDER}/warden`, await compileWarden(wardenBuild, lock, inputs, tools), 0o755);
    await tree.addFile(`${OWN_FOLDER}/policy.bpf`, policyBytes());
    for (const [name, path] of executorFiles())
      await tree.addFile(`${JAIL}${EXECUTOR_FOLDER}/${name}`, await readFile(path));
    const packages = `${JAIL}/${packagesFolder(version)}`;
    await addPythonSources(join(images, 'clean_room/src/clean_room'), tree, `${packages}/clean_room`);
    await precompile(tree, jail, JAIL, version);
    return await writeLayer(tree, store, 'Supervisor, sandbox and clean_room');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

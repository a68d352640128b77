import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { digestOf } from '@clean-room/protocol/bytes';
import { findMirror, fetchPackages } from '../debian/mirror.js';
import type { ReadDefinition } from '../definition/definition.js';
import { readLock, type ImageLock } from '../definition/lock.js';
import { InputCache } from '../inputs/input-cache.js';
import { Pip } from '../python/pip.js';
import { composeBaseLayers } from './base.js';
import { baseKey } from './key.js';
import { describeImage, type ImageDocuments } from './manifest.js';
import { composeOwnLayer } from './own.js';

/** Options of `buildKernelImage`. */
export interface BuildOptions {
  /** The folder of the project, which contains our own parts. */
  readonly root: string;
  /** The folder of downloads and compiled tools. They are verified, so that all builds can share them. */
  readonly inputs: string;
  /** The folder of layers of earlier builds. With another folder, a build does not reuse any. */
  readonly layers: string;
  /** The OCI layout folder to which the image is written. */
  readonly layout: string;
  readonly report?: (line: string) => void;
}

/** A built kernel image. */
export interface BuiltImage extends ImageDocuments {
  readonly name: string;
  /** The total size of the layers in bytes. */
  readonly size: number;
}

/**
 * Downloads the inputs that are not in the cache.
 *
 * @throws CleanRoomError `not-found` or `digest-mismatch` with the name of an input that is missing or has changed
 */
export async function fetchInputs(
  lock: ImageLock,
  cache: InputCache,
  report: (line: string) => void
): Promise<void> {
  const onFetched = (title: string): void => {
    report(`Downloaded ${title}`);
  };
  const { packages, release } = lock.debian;
  const isCached = await Promise.all(packages.map(({ digest }) => cache.has(digest)));
  if (isCached.includes(false)) await fetchPackages(packages, await findMirror(release), cache, onFetched);
  await new Pip().fetch(lock.python.wheels, lock.python.version, cache, onFetched);
}

/** Returns whether a running build writes to a folder, which is then named by key and process id. */
function isBeingWritten(name: string): boolean {
  const [, pid] = name.split('.');
  if (pid === undefined) return false;
  try {
    return process.kill(Number(pid), 0);
  } catch {
    return false;
  }
}

/**
 * Removes the unpacked jails of earlier builds, which are large. Layers in the layout folder are kept, because images of revisions
 * may need them.
 */
async function removeOlder(folder: string, kept: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== kept && !isBeingWritten(name))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Builds a kernel image from its lock into an OCI layout folder. It needs neither privileges nor a container tool.
 *
 * @throws CleanRoomError `not-found` or `digest-mismatch` with the name of an input that is missing or has changed
 */
export async function buildKernelImage(read: ReadDefinition, options: BuildOptions): Promise<BuiltImage> {
  const { root, layout, report = (): void => undefined } = options;
  const { definition } = read;
  const lock = await readLock(read);
  const inputs = new InputCache(options.inputs);
  await fetchInputs(lock, inputs, report);
  const store = await LayoutStore.open(layout);
  const [folder, key] = [join(options.layers, definition.name), await baseKey(definition, lock)];
  const base = await composeBaseLayers({
    definition,
    lock,
    inputs,
    store,
    folder: join(folder, key),
    report
  });
  await removeOlder(folder, key);
  report('Building our own parts');
  const own = await composeOwnLayer({
    root,
    lock,
    inputs,
    tools: join(options.inputs, 'tools'),
    store,
    jail: base.jail
  });
  const layers = [...base.layers, own];
  const documents = describeImage(layers);
  await store.writeBlob(digestOf(documents.config), documents.config.length, async function* () {
    yield documents.config;
  });
  await store.writeManifest(documents.manifest, definition.name);
  return { ...documents, name: definition.name, size: layers.reduce((sum, { size }) => sum + size, 0) };
}

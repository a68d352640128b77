import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LayoutStore } from '@clean-room/oci/layout';
import { digestOf, equalBytes } from '@clean-room/protocol/bytes';
import { findMirror, fetchPackages } from '../debian/mirror.js';
import type { ReadDefinition } from '../definition/definition.js';
import { readLock, type ImageLock } from '../definition/lock.js';
import { InputCache } from '../inputs/input-cache.js';
import { Pip } from '../python/pip.js';
import { composeBaseLayer } from './base.js';
import { baseKey } from './key.js';
import { describeImage, type ImageDocuments } from './manifest.js';
import { composeOwnLayer } from './own.js';

export interface BuildOptions {
  /** The project: where our own parts are. */
  readonly root: string;
  /** Downloads and compiled tools: checked by hash, so any build may use those of another. */
  readonly inputs: string;
  /** Layers of earlier builds. Another folder makes a build that takes nothing from an earlier one. */
  readonly layers: string;
  /** The OCI layout that gets the image. */
  readonly layout: string;
  readonly report?: (line: string) => void;
}

export interface BuiltImage extends ImageDocuments {
  readonly name: string;
  readonly size: number;
}

async function fetchInputs(
  lock: ImageLock,
  cache: InputCache,
  report: (line: string) => void
): Promise<void> {
  const fetched = (title: string): void => report(`Fetched ${title}`);
  const missing = { packages: lock.debian.packages, wheels: lock.python.wheels };
  const needs = await Promise.all(missing.packages.map(({ digest }) => cache.has(digest)));
  if (needs.includes(false))
    await fetchPackages(missing.packages, await findMirror(lock.debian.release), cache, fetched);
  await new Pip().fetch(missing.wheels, lock.python.version, cache, fetched);
}

/** Whether a folder is what a build that still runs is writing: `<key>.<process>`. */
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
 * Unpacked jails of locks that are no longer built are large: only the newest is kept. Layers in the layout stay, since
 * revisions may rest on them.
 */
async function dropOlder(folder: string, kept: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name !== kept && !isBeingWritten(name))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

/**
 * Builds a kernel image from its lock into an OCI layout, as any user, without a container tool.
 * @throws CleanRoomError naming the input that is missing or changed
 */
export async function buildKernelImage(read: ReadDefinition, options: BuildOptions): Promise<BuiltImage> {
  const { root, layout, report = (): void => undefined } = options;
  const { definition } = read;
  const lock = await readLock(read);
  const inputs = new InputCache(options.inputs);
  await fetchInputs(lock, inputs, report);
  const store = await LayoutStore.open(layout);
  const [folder, key] = [join(options.layers, definition.name), await baseKey(definition, lock)];
  const base = await composeBaseLayer({ definition, lock, inputs, store, folder: join(folder, key), report });
  await dropOlder(folder, key);
  report('Composing our own parts');
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

const COMMITTED = ['manifest', 'config'] as const;

/** Which of the committed files differ from the image. */
export async function differences(folder: string, image: ImageDocuments): Promise<string[]> {
  const found: string[] = [];
  for (const name of COMMITTED) {
    const bytes = await readFile(join(folder, `${name}.json`)).catch(() => new Uint8Array());
    if (!equalBytes(bytes, image[name])) found.push(`${name}.json`);
  }
  return found;
}

/** Writes the files that are committed, so that anyone can measure without the image. */
export async function commitDocuments(folder: string, image: ImageDocuments): Promise<void> {
  for (const name of COMMITTED) await writeFile(join(folder, `${name}.json`), image[name]);
}

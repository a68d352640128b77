import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import { readDefinition, type ReadDefinition } from '../definition/definition.js';
import { readLock, writeLock } from '../definition/lock.js';
import { InputCache } from '../inputs/input-cache.js';
import { buildKernelImage, fetchInputs } from '../image/build.js';
import { changedFiles, loadKernelImage, writeFiles, type CommittedFiles } from '../image/committed.js';
import { relock } from '../relock/relock.js';
import { describeMaterials, type Materials } from '../sbom/sbom.js';

const USAGE = `Usage: npx build-kernel [build|sbom|relock] [NAME] [options]

  build    build the image from its lock file (default), and write its manifest.json, config.json, sbom.json and licences.txt
  sbom     write sbom.json and licences.txt for the committed image from its locked inputs, without building it
  relock   choose current packages and wheels, and rewrite the lock file
  NAME     a folder in kernel-images (default: python-cpu)

  --check                build, sbom: exit with 1 if a file would change, and do not write it
  --layout DIR           build: the OCI layout to write to (default: .cache/kernel-images/layout)
  --fresh                build: do not reuse layers of an earlier build
  --keyring FILE         relock: the file with Debian's archive keys
  --without-signature    relock: do not check the signature of Debian's archive
`;

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

function print(line: string): void {
  process.stderr.write(`${line}\n`);
}

function readArguments(arguments_: readonly string[]) {
  return parseArgs({
    args: [...arguments_],
    allowPositionals: true,
    options: {
      check: { type: 'boolean', default: false },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      keyring: { type: 'string' },
      layout: { type: 'string', default: join(ROOT, '.cache/kernel-images/layout') },
      'without-signature': { type: 'boolean', default: false }
    }
  });
}

/** Writes the files that have changed, or only names them. Returns the exit status. */
async function commit(folder: string, files: Partial<CommittedFiles>, check: boolean): Promise<number> {
  const changed = await changedFiles(folder, files);
  if (changed.length === 0) return 0;
  if (check) {
    print(`The result differs from what is committed: ${changed.join(', ')} would change.`);
    return 1;
  }
  await writeFiles(folder, files);
  print(`Wrote ${changed.join(', ')}. Commit the changes.`);
  return 0;
}

/** Lists what an image is made of. Inputs that are not in the cache are downloaded. */
async function describe(read: ReadDefinition, inputs: InputCache, digest: Digest): Promise<Materials> {
  const lock = await readLock(read);
  await fetchInputs(lock, inputs, print);
  return describeMaterials({ root: ROOT, lock, inputs, name: read.definition.name, digest });
}

async function run({ values, positionals }: ReturnType<typeof readArguments>): Promise<number> {
  const command = ['build', 'sbom', 'relock'].find(known => known === positionals[0]);
  const [name = 'python-cpu', ...others] = command === undefined ? positionals : positionals.slice(1);
  if (values.help || others.length > 0) {
    process.stdout.write(USAGE);
    return values.help ? 0 : 2;
  }
  const caches = join(ROOT, '.cache/kernel-images');
  const read = await readDefinition(join(ROOT, 'kernel-images', name));
  const inputs = new InputCache(join(caches, 'inputs'));
  if (command === 'relock') {
    const { keyring, 'without-signature': withoutSignature } = values;
    const lock = await relock(read, inputs, {
      withoutSignature,
      ...(keyring === undefined ? {} : { keyring }),
      onProgress: print
    });
    await writeLock(read.folder, lock);
    print(`Locked ${lock.debian.packages.length} packages and ${lock.python.wheels.length} wheels.`);
    return 0;
  }
  if (command === 'sbom') {
    const { manifest } = await loadKernelImage(name);
    return commit(read.folder, await describe(read, inputs, digestOf(manifest)), values.check);
  }
  const layers = join(caches, 'layers');
  if (values.fresh) await rm(join(layers, name), { recursive: true, force: true });
  const image = await buildKernelImage(read, {
    root: ROOT,
    inputs: join(caches, 'inputs'),
    layers,
    layout: values.layout,
    report: print
  });
  print(`Built ${name}: ${image.digest}, ${String(Math.round(image.size / 1e6))} MB, in ${values.layout}.`);
  const materials = await describe(read, inputs, image.digest);
  return commit(read.folder, { ...image, ...materials }, values.check);
}

/**
 * Runs the command `build-kernel`.
 *
 * @returns the exit status: 0 for success, 1 if it failed or `--check` found a difference, 2 for wrong usage
 */
export async function main(arguments_: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof readArguments>;
  try {
    parsed = readArguments(arguments_);
  } catch (error) {
    print(`${error instanceof TypeError ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  try {
    return await run(parsed);
  } catch (error) {
    if (!isCleanRoomError(error)) throw error;
    print(`${error.message}${error.remedy === undefined ? '' : `\n${error.remedy}`}`);
    if (error.cause instanceof Error) print(String(error.cause));
    return 1;
  }
}

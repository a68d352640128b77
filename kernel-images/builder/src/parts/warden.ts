import { createHash } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { WardenBuild } from '@clean-room/sandbox/build';
import type { ImageLock } from '../definition/lock.js';
import type { InputCache } from '../inputs/input-cache.js';
import { runProgram } from '../programs/run.js';
import { FileTree } from '../tree/file-tree.js';
import { Wheel } from '../python/wheel.js';

/** Returns the path of the locked compiler, which is unpacked once. */
async function findCompiler(lock: ImageLock, inputs: InputCache, tools: string): Promise<string> {
  const zig = lock.python.wheels.find(({ name, parts }) => name === 'ziglang' && parts.includes('build'));
  if (zig === undefined)
    throw new CleanRoomError('malformed', 'The lock does not contain the compiler (ziglang).');
  const folder = join(tools, `ziglang-${zig.version}-${zig.digest.slice(-12)}`);
  const program = join(folder, 'ziglang/zig');
  if (await exists(program)) return program;
  const partial = new FileTree(`${folder}.${process.pid}`);
  const wheel = await Wheel.open(inputs.pathOf(zig.digest));
  try {
    for (const file of wheel.files()) await partial.addFile(file.name, file.open());
  } finally {
    wheel.close();
  }
  await chmod(partial.locate('ziglang/zig'), 0o755);
  await rename(partial.root, folder).catch(async (error: unknown) => {
    await rm(partial.root, { recursive: true, force: true });
    if (!(await exists(program))) throw error; // otherwise another build has unpacked it at the same time
  });
  return program;
}

/** Returns all sources and headers of a folder: the files that determine the program. */
async function sourceFiles(folder: string): Promise<Map<string, Uint8Array>> {
  const names = (await readdir(folder)).filter(name => /\.[ch]$/.test(name)).sort();
  return new Map(
    await Promise.all(names.map(async name => [name, await readFile(join(folder, name))] as const))
  );
}

/**
 * Compiles the warden with the locked compiler, or returns the cached program if nothing has changed.
 *
 * @param tools - the folder for the compiler and the compiled programs
 */
export async function compileWarden(
  { sources, flags }: WardenBuild,
  lock: ImageLock,
  inputs: InputCache,
  tools: string
): Promise<Uint8Array> {
  await mkdir(tools, { recursive: true });
  const zig = await findCompiler(lock, inputs, tools);
  const folder = dirname(sources[0] ?? '');
  const key = createHash('sha256').update(JSON.stringify([basename(dirname(dirname(zig))), flags]));
  for (const [name, source] of await sourceFiles(folder)) {
    key.update(`\0${name}\0${source.length}\0`).update(source);
  }
  const target = join(tools, `warden-${key.digest('hex').slice(0, 32)}`);
  if (!(await exists(target))) {
    const caches = join(tools, 'zig-cache');
    const draft = `${target}.${process.pid}`;
    // Names without folders, so that the program does not contain paths of this machine.
    await runProgram(zig, ['cc', ...flags, ...sources.map(source => basename(source)), '-o', draft], {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', HOME: tools, ZIG_GLOBAL_CACHE_DIR: caches, ZIG_LOCAL_CACHE_DIR: caches }
    }).catch((cause: unknown) => {
      throw new CleanRoomError('internal', 'The warden could not be compiled.', { cause });
    });
    await rename(draft, target);
  }
  return readFile(target);
}

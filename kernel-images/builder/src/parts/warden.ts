import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, chmod, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ImageLock } from '../definition/index.js';
import type { InputCache } from '../inputs/index.js';
import { FileTree } from '../tree/index.js';
import { Wheel } from '../python/index.js';

const run = promisify(execFile);

/** Static and without names of this machine's folders: the program is the same wherever it is compiled. */
const FLAGS = [
  '-target',
  'x86_64-linux-musl',
  '-static',
  '-std=c11',
  '-O2',
  '-s',
  '-D_GNU_SOURCE',
  '-fstack-protector-strong',
  '-Wall',
  '-Wextra',
  '-Werror'
];

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false
  );
}

/** Unpacks the locked compiler once. */
async function compiler(lock: ImageLock, inputs: InputCache, tools: string): Promise<string> {
  const zig = lock.python.wheels.find(({ name, parts }) => name === 'ziglang' && parts.includes('build'));
  if (zig === undefined)
    throw new CleanRoomError('malformed', 'The lock does not name the compiler (ziglang).');
  const folder = join(tools, `ziglang-${zig.version}-${zig.digest.slice(-12)}`);
  const program = join(folder, 'ziglang/zig');
  if (await exists(program)) return program;
  const partial = new FileTree(`${folder}.partial`);
  await rm(partial.root, { recursive: true, force: true });
  const wheel = await Wheel.open(inputs.pathOf(zig.digest));
  try {
    for (const file of wheel.files()) await partial.addFile(file.name, file.open());
  } finally {
    wheel.close();
  }
  await chmod(partial.locate('ziglang/zig'), 0o755);
  await rename(partial.root, folder);
  return program;
}

async function sourcesIn(folder: string): Promise<Map<string, Uint8Array>> {
  const names = (await readdir(folder)).filter(name => /\.[ch]$/.test(name)).sort();
  const sources = await Promise.all(
    names.map(async name => [name, await readFile(join(folder, name))] as const)
  );
  return new Map(sources);
}

/**
 * Compiles the warden with the compiler that the lock names; taken from the cache if nothing has changed.
 * @param folder its C sources
 * @param tools where compiler and results are kept
 */
export async function compileWarden(
  folder: string,
  lock: ImageLock,
  inputs: InputCache,
  tools: string
): Promise<Uint8Array> {
  await mkdir(tools, { recursive: true });
  const zig = await compiler(lock, inputs, tools);
  const sources = await sourcesIn(folder);
  const key = createHash('sha256').update(JSON.stringify([dirname(dirname(zig)).split('/').at(-1), FLAGS]));
  for (const [name, source] of sources) key.update(`\0${name}\0${source.length}\0`).update(source);
  const target = join(tools, `warden-${key.digest('hex').slice(0, 32)}`);
  if (!(await exists(target))) {
    const caches = join(tools, 'zig-cache');
    const programs = [...sources.keys()].filter(name => name.endsWith('.c'));
    await run(zig, ['cc', ...FLAGS, ...programs, '-o', `${target}.partial`], {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', HOME: tools, ZIG_GLOBAL_CACHE_DIR: caches, ZIG_LOCAL_CACHE_DIR: caches }
    }).catch((cause: unknown) => {
      const words = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).slice(-2000) : '';
      throw new CleanRoomError('internal', `The warden does not compile.\n${words}`, { cause });
    });
    await rename(`${target}.partial`, target);
  }
  return readFile(target);
}

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './commands.js';
import { CACHE } from './paths.js';

const ZIG = 'ziglang==0.17.1';
const ZIG_WHEEL = 'sha256:ea6cc5d87b033cf0aedfbc8f9549a908cae6c50ac31f1698188fa48a74524b54';

/** Returns the path of the C compiler. It is installed once from PyPI, with a pinned hash. */
async function zig(): Promise<string> {
  const folder = join(CACHE, 'zig');
  const program = join(folder, 'ziglang/zig');
  if (existsSync(program)) return program;
  await mkdir(CACHE, { recursive: true });
  const requirements = join(CACHE, 'zig-requirements.txt');
  await writeFile(requirements, `${ZIG} --hash=${ZIG_WHEEL}\n`);
  const partial = `${folder}.partial`;
  const parameters = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes'
  ];
  await command('python3', [...parameters, '--upgrade', '--target', partial, '-r', requirements]);
  await rename(partial, folder);
  return program;
}

/** Returns the folder of the Linux headers that the compiler contains. */
export async function kernelHeaders(): Promise<string> {
  return join(await zig(), '../lib/libc/include/x86-linux-any');
}

/**
 * Compiles a static program, or reuses an earlier program of the same sources and flags.
 *
 * @returns the path of the program
 */
export async function compile(
  name: string,
  sources: readonly string[],
  flags: readonly string[],
  headers: readonly string[] = []
): Promise<string> {
  const hash = createHash('sha256').update(ZIG_WHEEL).update(flags.join('\0'));
  for (const file of [...sources, ...headers]) hash.update('\0').update(await readFile(file));
  const target = join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(target)) return target;
  const caches = join(CACHE, 'zig-cache');
  await command(await zig(), ['cc', ...flags, '-o', `${target}.partial`, ...sources], {
    env: { PATH: '/usr/bin:/bin', HOME: CACHE, ZIG_GLOBAL_CACHE_DIR: caches, ZIG_LOCAL_CACHE_DIR: caches }
  });
  await rename(`${target}.partial`, target);
  return target;
}

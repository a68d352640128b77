import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export { EXECUTOR_FOLDER } from '../notebook/environment.js';

const packageFolder = fileURLToPath(new URL('../../', import.meta.url));

/** How the warden is compiled with `zig cc`. */
export interface WardenBuild {
  /** Absolute paths of the C files. */
  readonly sources: readonly string[];
  /** All flags except `-o FILE`. The result is a static program whose bytes depend only on the sources and on zig. */
  readonly flags: readonly string[];
}

/** How the kernel image compiles the warden. */
export const wardenBuild: WardenBuild = {
  sources: ['confine.c', 'jail.c', 'main.c', 'options.c', 'reap.c', 'start.c', 'watch.c'].map(name =>
    join(packageFolder, 'warden', name)
  ),
  flags: [
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
  ]
};

/** Returns the absolute paths of the executor's Python files, by their names in {@link EXECUTOR_FOLDER}. */
export function executorFiles(): ReadonlyMap<string, string> {
  const folder = join(packageFolder, 'executor');
  const names = readdirSync(folder).filter(name => name.endsWith('.py'));
  return new Map(names.sort().map(name => [name, join(folder, name)]));
}

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export { EXECUTOR_FOLDER } from '../paths.js';

const room = fileURLToPath(new URL('../../', import.meta.url));

/** How the warden is compiled, by the kernel image and by the tests alike, with `zig cc`. Paths are absolute. */
export interface WardenBuild {
  readonly sources: readonly string[];
  /** All flags but the output's `-o FILE`. They make a static program whose bytes depend on sources and zig alone. */
  readonly flags: readonly string[];
}

export const wardenBuild: WardenBuild = {
  sources: ['confine.c', 'jail.c', 'main.c', 'options.c', 'reap.c', 'start.c', 'watch.c'].map(name =>
    join(room, 'warden', name)
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

/** The Python files of the executor by their name in EXECUTOR_FOLDER, with their absolute paths here. */
export function executorFiles(): ReadonlyMap<string, string> {
  const folder = join(room, 'executor');
  const names = readdirSync(folder).filter(name => name.endsWith('.py'));
  return new Map(names.sort().map(name => [name, join(folder, name)]));
}

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the project. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The folder of the patches. */
export const MUTANTS = join(ROOT, 'attacks/mutants');

const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The folders of the project's npm packages, relative to `ROOT`. */
export const PACKAGES = workspaces;

/**
 * Runs a program, waits until it exits, and returns its status and output.
 *
 * @throws when the program cannot be started
 */
export function command(program, args, options = {}) {
  const result = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
  if (result.error !== undefined) throw result.error;
  return result;
}

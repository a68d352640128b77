import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
export const MUTANTS = join(ROOT, 'attacks/mutants');

const { workspaces } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The rooms of the project, as folders. */
export const ROOMS = workspaces;

export function command(program, args, options = {}) {
  return spawnSync(program, args, { encoding: 'utf8', maxBuffer: 2 ** 28, ...options });
}

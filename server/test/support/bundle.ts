import { mkdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Cache folder inside the project, so that bundles in it find the project's packages. */
export const CACHE = fileURLToPath(new URL('../../../.cache/server', import.meta.url));

/**
 * Bundles TypeScript programs, each as `NAME.mjs`, so that Node can run them.
 *
 * @returns the folder that contains them. The caller removes it.
 */
export async function bundle(entries: readonly string[]): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(path.join(CACHE, 'bundle-'));
  await build({
    entryPoints: [...entries],
    outdir: folder,
    entryNames: '[name]',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'error'
  });
  return folder;
}

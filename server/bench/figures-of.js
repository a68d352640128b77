import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = relative => fileURLToPath(new URL(relative, import.meta.url));
const CHILD = 'coordinator/child.ts';

/**
 * Bundles a bench of the coordinator and the child it starts straight from the sources, runs it, and prints its figures.
 * @param bench below this folder; exports `figures(script)`, `script` being the child's
 */
export async function printFiguresOf(bench) {
  const cache = here('../../.cache/server');
  await mkdir(cache, { recursive: true });
  const folder = await mkdtemp(join(cache, 'bench-'));
  const bundled = entry => join(folder, basename(entry).replace(/\.ts$/, '.mjs'));
  try {
    await build({
      entryPoints: [bench, CHILD].map(here),
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
    const { figures } = await import(pathToFileURL(bundled(bench)).href);
    console.log(JSON.stringify(await figures(bundled(CHILD))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundle } from '../test/support/bundle.ts';

const CHILD = 'coordinator/child.ts';

/**
 * Bundles a benchmark of the coordinator and the child process that it starts, runs it, and prints its figures.
 *
 * @param bench - path of the benchmark in this folder. It exports `figures(script)`, which receives the child's bundle.
 */
export async function printFiguresOf(bench) {
  const folder = await bundle([bench, CHILD].map(entry => fileURLToPath(new URL(entry, import.meta.url))));
  const bundled = entry => join(folder, `${basename(entry, '.ts')}.mjs`);
  try {
    const { figures } = await import(pathToFileURL(bundled(bench)).href);
    console.log(JSON.stringify(await figures(bundled(CHILD))));
  } finally {
    await rm(folder, { recursive: true });
  }
}

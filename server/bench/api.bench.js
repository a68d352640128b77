/**
 * How fast the coordinator's API answers: 50 requests a second for 20 seconds, one in ten a submission, while 200 streams
 * of events are open; on PGlite and on PostgreSQL. The last line is its figures as JSON.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const here = relative => fileURLToPath(new URL(relative, import.meta.url));

const cache = here('../../.cache/server');
await mkdir(cache, { recursive: true });
const folder = await mkdtemp(join(cache, 'bench-'));
try {
  await build({
    entryPoints: [here('api/load.ts'), here('api/server.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node24',
    logLevel: 'error'
  });
  const { figures } = await import(pathToFileURL(join(folder, 'load.mjs')).href);
  console.log(JSON.stringify(await figures(join(folder, 'server.mjs'))));
} finally {
  await rm(folder, { recursive: true });
}

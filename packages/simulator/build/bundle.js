/**
 * Bundles the runner: every run waits for it to start, and nine hundred modules take three times as long to load as these
 * few files. Reads `lib`, which `tsc -b` has written, and writes `lib/bundle`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const simulator = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(simulator, 'lib/bundle');

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: simulator,
  entryPoints: { runner: 'lib/runner/run.js' },
  outdir,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  logLevel: 'error',
  // what is CommonJS among the bundled modules asks for Node's own modules by `require`
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);"
  }
});

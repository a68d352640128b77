/**
 * Bundles the runner. Each run waits for it to start, and one bundle loads three times as fast as its nine hundred modules.
 * Reads `lib`, which `tsc -b` writes, and writes `lib/bundle`.
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
  // Bundled CommonJS modules load Node's built-in modules with `require`, which an ES module must define.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);"
  }
});

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const extensionFolder = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(extensionFolder, '../.cache/extension/modules');

/** ES modules that the extension or JupyterLab's packages import. */
const MODULES = [
  '@jupyter/web-components',
  '@clean-room/protocol/approvals',
  '@clean-room/protocol/assets',
  '@clean-room/protocol/bytes',
  '@clean-room/protocol/documents',
  '@clean-room/protocol/notebooks',
  '@clean-room/protocol/parties',
  '@clean-room/protocol/policies',
  '@clean-room/protocol/receipts',
  '@clean-room/protocol/runs',
  '@clean-room/protocol/submissions',
  '@clean-room/api',
  '@clean-room/api/coordinator'
];

const nameOf = module => module.replace('@', '').replaceAll(/[^a-z]/g, '_');

/** The entries for jest's `moduleNameMapper`. */
export const bundled = Object.fromEntries(
  MODULES.map(module => [`^${module}$`, join(FOLDER, `${nameOf(module)}.cjs`)])
);

/**
 * Bundles the ES modules as CommonJS, once for all tests. JupyterLab's packages need jest's CommonJS mode, which cannot
 * load ES modules. All are in one file, as they are for the browser.
 */
export default async function bundle() {
  mkdirSync(FOLDER, { recursive: true });
  await build({
    stdin: {
      contents: MODULES.map(module => `export * as ${nameOf(module)} from '${module}';`).join('\n'),
      resolveDir: extensionFolder
    },
    outfile: join(FOLDER, 'all.cjs'),
    bundle: true,
    format: 'cjs',
    platform: 'browser',
    target: 'es2023',
    logLevel: 'warning'
  });
  for (const module of MODULES) {
    writeFileSync(
      join(FOLDER, `${nameOf(module)}.cjs`),
      `module.exports = require('./all.cjs').${nameOf(module)};\n`
    );
  }
}

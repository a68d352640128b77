/** Builds the labextension and the `clean-room` command for the Python distribution. Needs only Node, and no network. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const extensionFolder = fileURLToPath(new URL('..', import.meta.url));
const packaged = join(extensionFolder, 'jupyterlab_clean_room');

/** Packages that only the server needs. They are not part of the wheel. */
const SERVER_ONLY = [
  '@clean-room/simulator',
  '@electric-sql/*',
  '@fastify/*',
  '@google-cloud/*',
  'fastify',
  'pg',
  'pg-boss',
  'pino'
];

function buildLabextension() {
  const builder = require.resolve('@jupyter/builder/lib/build-labextension.js');
  const core = require.resolve('@jupyterlab/core-meta/core.package.json');
  const { status } = spawnSync(process.execPath, [builder, '--core-package-file', core, extensionFolder], {
    cwd: extensionFolder,
    stdio: 'inherit'
  });
  if (status !== 0) process.exit(status ?? 1);
  // JupyterLab's extension manager reads from this file which Python package contains the extension.
  copyFileSync(join(extensionFolder, '../install.json'), join(packaged, 'labextension/install.json'));
}

async function buildCommand() {
  const folder = join(packaged, 'command');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(extensionFolder, '../server/bin/clean-room.js')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // The entry turns on the cache of compiled code before it imports the rest.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: SERVER_ONLY,
    legalComments: 'eof',
    logLevel: 'warning',
    // Some bundled packages are CommonJS and load Node's own modules with `require`.
    banner: {
      js: "import { createRequire as cleanRoomRequire } from 'node:module'; const require = cleanRoomRequire(import.meta.url);"
    }
  });
}

/** Copies the committed manifests of kernel images (kilobytes), from which the command computes image digests. */
function copyKernelImages() {
  const images = join(extensionFolder, '../kernel-images');
  for (const name of readdirSync(images)) {
    if (!existsSync(join(images, name, 'manifest.json'))) continue;
    const to = join(packaged, 'command/kernel-images', name);
    mkdirSync(to, { recursive: true });
    for (const file of ['manifest.json', 'config.json'])
      copyFileSync(join(images, name, file), join(to, file));
  }
}

buildLabextension();
await buildCommand();
copyKernelImages();

/** Builds what the Python distribution carries: the labextension and the `clean-room` command. Node alone, no network. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const require = createRequire(import.meta.url);
const room = fileURLToPath(new URL('..', import.meta.url));
const packaged = join(room, 'jupyterlab_clean_room');

/** Parts of the server that only `clean-room serve` and its like need; they are not in the wheel. */
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
  const { status } = spawnSync(process.execPath, [builder, '--core-package-file', core, room], {
    cwd: room,
    stdio: 'inherit'
  });
  if (status !== 0) process.exit(status ?? 1);
  // The extension manager reads there which Python package owns the extension.
  copyFileSync(join(room, '../install.json'), join(packaged, 'labextension/install.json'));
}

async function buildCommand() {
  const folder = join(packaged, 'command');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [join(room, '../server/bin/clean-room.js')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // The entry switches the cache of compiled code on before it imports the rest.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    external: SERVER_ONLY,
    legalComments: 'eof',
    logLevel: 'warning',
    // Some packages in it are CommonJS and ask for Node's own modules by `require`.
    banner: {
      js: "import { createRequire as cleanRoomRequire } from 'node:module'; const require = cleanRoomRequire(import.meta.url);"
    }
  });
}

/** The committed manifests of kernel images (kilobytes): with them the command works out image digests by itself. */
function copyKernelImages() {
  const images = join(room, '../kernel-images');
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

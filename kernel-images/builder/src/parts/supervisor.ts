import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * Bundles the supervisor into one module. The paths in it are relative to the project, so that it is the same on every machine.
 *
 * @param root - the folder of the project
 * @throws CleanRoomError `not-found` if the supervisor has not been compiled
 */
export async function bundleSupervisor(root: string): Promise<Uint8Array> {
  const entry = join(root, 'kernel-images/supervisor/lib/main.js');
  await access(entry).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `The supervisor has not been compiled: ${entry} does not exist.`, {
      cause,
      remedy: 'Run `npm run build` first.'
    });
  });
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    charset: 'utf8',
    legalComments: 'inline',
    sourcemap: false,
    write: false,
    logLevel: 'silent',
    // Bundled CommonJS modules load Node's built-in modules with `require`, which an ES module must define.
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);"
    }
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new CleanRoomError('internal', 'The supervisor could not be bundled.');
  return bundle.contents;
}

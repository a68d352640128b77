import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * The supervisor as one module. Names of this machine's folders do not get into it: paths of bundled modules are relative
 * to the project.
 * @param root the project
 */
export async function bundleSupervisor(root: string): Promise<Uint8Array> {
  const entry = join(root, 'kernel-images/supervisor/lib/main.js');
  await access(entry).catch((cause: unknown) => {
    throw new CleanRoomError('not-found', `The supervisor is not built: ${entry} is missing.`, {
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
    // what is CommonJS among the bundled modules asks for Node's own modules by `require`
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);"
    }
  });
  const [bundle] = outputFiles;
  if (bundle === undefined) throw new CleanRoomError('internal', 'The supervisor could not be bundled.');
  return bundle.contents;
}

import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { digestOf, type Digest } from '@clean-room/protocol/bytes';
import type { TestBuild } from './test-build.js';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../../.cache/kernel-images', import.meta.url));
const NAME = 'python-cpu';

/** A kernel image with the supervisor of a build for tests, signed by a release key for tests. */
export interface TestKernelImage {
  readonly digest: Digest;
  /** Public key of the release key. */
  readonly signer: string;
  /** Folder with the image's manifest, configuration, bill of materials and signed statement. */
  readonly folder: string;
  /** Folder of all kernel images of the build. */
  readonly images: string;
}

/** Runs the command of a build for tests, and returns its result. */
export async function runTestCommand<T>(
  { command }: TestBuild,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {}
): Promise<T> {
  const { stdout } = await run(process.execPath, [command, ...args, '--json'], {
    env: { ...process.env, ...env }
  }).catch((error: unknown) => {
    const { stdout: output = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`clean-room ${args.join(' ')} failed: ${output}${stderr}`, { cause: error });
  });
  return JSON.parse(stdout) as T;
}

/**
 * Builds the kernel image of a build for tests, signs it, and copies it into a registry, all with the programs of a release. The
 * layers of Debian and Python are those of the product's image, which has been built before.
 *
 * @param folder - a folder for the image and the release key, on the same file system as the project's cache
 * @param repository - the repository for kernel images, as `host/name`
 * @param accessToken - an access token for the repository
 */
export async function releaseTestKernelImage(
  build: TestBuild,
  folder: string,
  repository: string,
  accessToken: string
): Promise<TestKernelImage> {
  const layout = path.join(folder, 'layout');
  // Links instead of copies: files of a layout are never changed, only replaced.
  await run('cp', ['-rl', path.join(CACHE, 'layout'), layout]);
  // The builder finds its caches below the project that it builds.
  await mkdir(path.join(build.folder, '.cache'));
  await symlink(CACHE, path.join(build.folder, '.cache/kernel-images'));
  const builder = path.join(build.folder, 'kernel-images/builder/bin/build-kernel.js');
  await run(process.execPath, [builder, 'build', NAME, '--layout', layout]);

  const images = path.join(build.folder, 'kernel-images');
  const image = path.join(images, NAME);
  const digest = digestOf(new Uint8Array(await readFile(path.join(image, 'manifest.json'))));
  const key = path.join(folder, 'release.key');
  await runTestCommand(build, ['kernel-image', 'create-key', key]);
  const { signer } = await runTestCommand<{ signer: string }>(build, [
    ...['kernel-image', 'sign', image, '--key', key, '--digest', digest]
  ]);
  const docker = path.join(folder, 'docker');
  const [host = ''] = repository.replace(/^https?:\/\//, '').split('/');
  const auth = Buffer.from(`oauth2accesstoken:${accessToken}`).toString('base64');
  await mkdir(docker);
  await writeFile(path.join(docker, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }), {
    mode: 0o600
  });
  await runTestCommand(
    build,
    ['kernel-image', 'promote', image, '--layout', layout, '--to', repository, '--signer', signer],
    { DOCKER_CONFIG: docker }
  );
  return { digest, signer, folder: image, images };
}

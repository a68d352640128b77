import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { EXECUTOR_FOLDER, executorFiles, wardenBuild } from '../../src/build/index.js';
import { policyBytes } from '../../src/policy/index.js';
import type { SandboxProfile } from '../../src/warden/index.js';
import { command } from './commands.js';
import { CACHE, GIVEN_ROOTFS, ORDINARY_USER, ROOM, SANDBOX_USER } from './paths.js';
import { makeRootfs, ownWritableFolders } from './rootfs.js';
import { compile } from './zig.js';

export const isRoot = process.getuid?.() === 0;

/** The prepared root file system of a profile. */
export function stageOf(profile: SandboxProfile): string {
  return join(CACHE, `stage-${profile}`);
}

export const CONTAINER_INIT = join(CACHE, 'container-init');

function ownerOf(profile: SandboxProfile): number {
  if (profile === 'second-uid') return SANDBOX_USER;
  return isRoot ? ORDINARY_USER : (process.getuid?.() ?? ORDINARY_USER);
}

/** A copy for each profile, as all files of an ordinary user's image are the user's own. */
async function copyRootfs(source: string, profile: SandboxProfile): Promise<void> {
  const stage = stageOf(profile);
  const made = (await stat(source)).ino.toString();
  const stamp = `${stage}-of-${made}`;
  if (existsSync(stamp) && existsSync(stage)) return;
  const partial = `${stage}.partial`;
  await rm(partial, { recursive: true, force: true });
  await rm(stage, { recursive: true, force: true });
  await command('cp', ['-a', '--reflink=auto', source, partial]);
  const owner = ownerOf(profile);
  if (profile === 'nested-namespace' && isRoot)
    await command('chown', ['-R', '-h', `${owner}:${owner}`, partial]);
  if (profile === 'nested-namespace') await plainDevices(partial);
  await ownWritableFolders(partial, owner);
  await rename(partial, stage);
  await writeFile(stamp, '');
}

/** An ordinary user who unpacks an image can't make device nodes: there are empty files in their places. */
async function plainDevices(rootfs: string): Promise<void> {
  for (const name of ['null', 'zero', 'full', 'random', 'urandom']) {
    const path = join(rootfs, 'jail/dev', name);
    await rm(path, { force: true });
    await writeFile(path, '');
    await chmod(path, 0o644);
  }
}

async function addOwnParts(profile: SandboxProfile, warden: string): Promise<void> {
  const own = join(stageOf(profile), 'usr/lib/clean-room');
  await copyFile(warden, join(own, 'warden'));
  await chmod(join(own, 'warden'), 0o755);
  await writeFile(join(own, 'policy.bpf'), policyBytes());
  const executor = join(stageOf(profile), 'jail', EXECUTOR_FOLDER);
  await mkdir(executor, { recursive: true });
  for (const [name, path] of executorFiles()) await copyFile(path, join(executor, name));
}

/** Makes everything that a test with a real sandbox needs. Called once before all tests of the room. */
export async function prepareStages(): Promise<void> {
  await mkdir(CACHE, { recursive: true });
  const source = GIVEN_ROOTFS ?? (await makeRootfs());
  const headers = (await readdir(join(ROOM, 'warden')))
    .filter(name => name.endsWith('.h'))
    .sort()
    .map(name => join(ROOM, 'warden', name));
  const warden = await compile('warden', wardenBuild.sources, wardenBuild.flags, headers);
  const init = await compile(
    'container-init',
    [join(ROOM, 'test/support/container-init.c')],
    wardenBuild.flags
  );
  await copyFile(init, CONTAINER_INIT);
  const profiles: readonly SandboxProfile[] = isRoot
    ? ['second-uid', 'nested-namespace']
    : ['nested-namespace'];
  for (const profile of profiles) {
    await copyRootfs(source, profile);
    if (GIVEN_ROOTFS === undefined) await addOwnParts(profile, warden);
    await build({
      entryPoints: [join(ROOM, 'test/support/driver.ts')],
      outfile: join(stageOf(profile), 'usr/lib/clean-room/driver.mjs'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      logLevel: 'silent'
    });
  }
}

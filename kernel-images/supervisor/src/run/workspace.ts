import { chmod, copyFile, lchown, mkdir, readdir, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MeasuredSpec } from '../spec/measured.js';
import { NOTEBOOK_UID, type RuntimePaths } from './sandbox.js';

/** Folders of the jail that the sandbox can write to. */
const WRITABLE = ['nb', 'tmp', 'dev/shm'];

/** Removes everything that a run or a probe left in the folders that the sandbox can write to. */
export async function clearWritable(jail: string): Promise<void> {
  for (const folder of WRITABLE) {
    const path = join(jail, folder);
    for (const entry of await readdir(path)) await rm(join(path, entry), { recursive: true, force: true });
  }
}

/** Copies the measured workspace into the notebook's working folder. The sandbox's user owns the copies. */
export async function copyWorkspace(paths: RuntimePaths, measured: MeasuredSpec): Promise<void> {
  const folder = join(paths.jail, 'nb');
  const setOwner = async (path: string, mode: number) => {
    await chmod(path, mode);
    if (paths.profile === 'second-uid') await lchown(path, NOTEBOOK_UID, NOTEBOOK_UID);
  };
  const made = new Set(['.']);
  const makeFolder = async (relative: string): Promise<void> => {
    if (made.has(relative)) return;
    await makeFolder(dirname(relative));
    made.add(relative);
    // Not recursive: a path that leaves the working folder would meet a folder that exists, and fails here.
    await mkdir(join(folder, relative));
    await setOwner(join(folder, relative), 0o755);
  };
  for (const { path } of measured.spec.value.workspace) {
    await makeFolder(dirname(path));
    const target = join(folder, path);
    await copyFile(join(measured.workspace, path), target, constants.COPYFILE_EXCL);
    await setOwner(target, 0o644);
  }
}

import { chmod, copyFile, lchown, mkdir, readdir, rm } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import type { MeasuredSpec } from '../spec/measured.js';
import { USERS, type RuntimePaths } from './paths.js';

/** Folders of the jail that a notebook writes to. */
const WRITABLE = ['nb', 'tmp', 'dev/shm'];

/** Takes what a run, or a probe, left in the folders that the sandbox writes to. */
export async function clearWritable(jail: string): Promise<void> {
  for (const folder of WRITABLE) {
    const path = join(jail, folder);
    for (const entry of await readdir(path)) await rm(join(path, entry), { recursive: true, force: true });
  }
}

/** Gives the sandbox the notebook's files, as its own, in its working folder. */
export async function placeWorkspace(place: RuntimePaths, measured: MeasuredSpec): Promise<void> {
  const { uid } = USERS.notebook;
  const folder = join(place.jail, 'nb');
  const own = async (path: string, mode: number) => {
    await chmod(path, mode);
    if (place.profile === 'second-uid') await lchown(path, uid, uid);
  };
  const made = new Set(['.']);
  const makeFolder = async (relative: string): Promise<void> => {
    if (made.has(relative)) return;
    await makeFolder(dirname(relative));
    made.add(relative);
    await mkdir(join(folder, relative));
    await own(join(folder, relative), 0o755);
  };
  for (const { path } of measured.spec.value.workspace) {
    await makeFolder(dirname(path));
    const target = join(folder, path);
    await copyFile(join(measured.workspace, path), target, constants.COPYFILE_EXCL);
    await own(target, 0o644);
  }
}

import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from '../../src/programs/run.js';
import { readManifest } from '@clean-room/protocol/packaging';
import { LayoutStore } from '@clean-room/oci/layout';

/** Unpacks an image of a layout folder without devices, which only root can create. Returns the folder. */
export async function unpack(layout: string, name: string, folder: string): Promise<string> {
  const store = await LayoutStore.open(layout);
  const digest = await store.resolve(name);
  if (digest === undefined) throw new Error(`${layout} does not contain the image ${name}`);
  await mkdir(folder, { recursive: true });
  for (const layer of readManifest(await store.readManifest(digest)).value.layers) {
    const file = store.blobPath(layer.digest);
    await runProgram('tar', ['-x', '-f', file, '-C', folder, '--no-same-owner', '--exclude=jail/dev/[!s]*']);
  }
  return folder;
}

/** Runs a Python script in the jail without network, as the sandbox's user, but without the sandbox's other protections. */
export async function runInJail(rootfs: string, script: string): Promise<string> {
  const jail = join(rootfs, 'jail');
  const mounts = [
    '--ro-bind',
    jail,
    '/',
    '--dev',
    '/dev',
    '--bind',
    join(jail, 'tmp'),
    '/tmp',
    '--tmpfs',
    '/nb'
  ];
  const environment = {
    PATH: '/usr/bin:/bin',
    HOME: '/nb',
    LANG: 'C.UTF-8',
    TMPDIR: '/tmp',
    MPLCONFIGDIR: '/tmp/mpl'
  };
  const variables = Object.entries({
    ...environment,
    JOBLIB_TEMP_FOLDER: '/tmp',
    IPYTHONDIR: '/tmp/ipython'
  });
  return runProgram('bwrap', [
    ...[
      '--unshare-all',
      '--uid',
      '10001',
      '--gid',
      '10001',
      '--die-with-parent',
      ...mounts,
      '--chdir',
      '/nb',
      '--clearenv'
    ],
    ...variables.flatMap(([name, value]) => ['--setenv', name, value]),
    ...['--', '/usr/bin/python3', '-I', '-B', '-c', await readFile(script, 'utf8')]
  ]);
}

import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './commands.js';
import { CACHE, NODE, SANDBOX_USER } from './paths.js';

/** What Python and a shell need, from the machine's own Debian archive. */
const DEBIAN = `
  bash coreutils dash grep libacl1 libattr1 libbz2-1.0 libc6 libcom-err2 libcrypt1 libdb5.3 libexpat1 libffi8 libgcc-s1
  libgmp10 libgssapi-krb5-2 libk5crypto3 libkeyutils1 libkrb5-3 libkrb5support0 liblzma5 libncursesw6 libnsl2
  libpcre2-8-0 libpython3.11-minimal libpython3.11-stdlib libreadline8 libselinux1 libsqlite3-0 libssl3 libstdc++6
  libtinfo6 libtirpc3 libuuid1 python3.11 python3.11-minimal sed tzdata util-linux zlib1g`
  .trim()
  .split(/\s+/);
const PYPI = ['ipython', 'matplotlib', 'pandas', 'pillow'];
const RECIPE = 1;

/**
 * A small stand-in for a kernel image: a jail of Python with plots and tables, and Node beside it. Made once, without
 * root's powers over files but for the owners of the writable folders.
 */
export async function makeRootfs(): Promise<string> {
  const rootfs = join(CACHE, `rootfs-${RECIPE}`);
  if (existsSync(rootfs)) return rootfs;
  const partial = `${rootfs}.partial`;
  await rm(partial, { recursive: true, force: true });
  const jail = join(partial, 'jail');
  await makeFolders(partial, jail);
  await unpackDebian(jail);
  await installWheels(jail);
  const etc = join(jail, 'etc');
  await mkdir(etc, { recursive: true });
  await writeFile(join(etc, 'passwd'), `nb:x:${SANDBOX_USER}:${SANDBOX_USER}::/nb:/bin/sh\n`);
  await writeFile(join(etc, 'group'), `nb:x:${SANDBOX_USER}:\n`);
  for (const name of ['null', 'zero', 'full', 'random', 'urandom'])
    await writeFile(join(jail, 'dev', name), '');
  await command('cp', ['-L', NODE, join(partial, 'usr/lib/clean-room/node')]);
  await rename(partial, rootfs);
  return rootfs;
}

async function makeFolders(rootfs: string, jail: string): Promise<void> {
  for (const top of [rootfs, jail]) {
    for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
      await mkdir(join(top, 'usr', name), { recursive: true });
      await symlink(`usr/${name}`, join(top, name));
    }
    for (const name of ['proc', 'sys', 'run', 'dev/shm', 'etc', 'tmp', 'root']) {
      await mkdir(join(top, name), { recursive: true });
    }
  }
  for (const name of ['nb', 'data', 'var', 'usr/lib/clean-room/executor']) {
    await mkdir(join(jail, name), { recursive: true });
  }
  await symlink('/tmp', join(jail, 'var/tmp'));
  await mkdir(join(rootfs, 'usr/lib/clean-room'), { recursive: true });
  // Node outside the jail runs on the jail's C library
  await symlink('/jail/usr/lib/x86_64-linux-gnu', join(rootfs, 'usr/lib/x86_64-linux-gnu'));
  await symlink('/jail/usr/lib64/ld-linux-x86-64.so.2', join(rootfs, 'usr/lib64/ld-linux-x86-64.so.2'));
}

async function unpackDebian(jail: string): Promise<void> {
  const packages = join(CACHE, 'debian');
  await mkdir(packages, { recursive: true });
  await command('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...DEBIAN], {
    cwd: packages
  });
  for (const name of await readdir(packages)) {
    const unpack = `dpkg-deb --fsys-tarfile '${name}' | tar -x -C '${jail}' --keep-directory-symlink --no-same-owner`;
    await command('bash', ['-c', `set -o pipefail; ${unpack}`], { cwd: packages });
  }
  await rm(packages, { recursive: true });
  await rm(join(jail, 'usr/bin/sh'), { force: true });
  await symlink('dash', join(jail, 'usr/bin/sh'));
  await symlink('python3.11', join(jail, 'usr/bin/python3'));
}

async function installWheels(jail: string): Promise<void> {
  const target = join(jail, 'usr/local/lib/python3.11/dist-packages');
  const platforms = ['manylinux_2_28_x86_64', 'manylinux2014_x86_64'].flatMap(name => ['--platform', name]);
  const words = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--root-user-action=ignore',
    '--only-binary=:all:',
    '--no-compile'
  ];
  await command('python3', [...words, '--python-version', '3.11', ...platforms, '--target', target, ...PYPI]);
  // needs /proc, which the jail leaves empty
  await rm(join(target, 'psutil'), { recursive: true, force: true });
  await compileSources([target, join(jail, 'usr/lib/python3.11')]);
}

/** Bytecode makes each start some seconds faster; only that of the same Python is of use. */
async function compileSources(folders: readonly string[]): Promise<void> {
  const version = await command('python3', ['-c', 'import sys; print(sys.version_info[:2] == (3, 11))']);
  if (version.trim() !== 'True') return;
  await command('python3', ['-m', 'compileall', '-q', '-j0', ...folders]).catch(() => undefined);
}

/** The folders that the sandbox's user owns: the image's own owner in `second-uid`, whoever runs it else. */
export async function ownWritableFolders(rootfs: string, uid: number): Promise<void> {
  for (const name of ['nb', 'tmp', 'dev/shm']) {
    const folder = join(rootfs, 'jail', name);
    await chmod(folder, 0o700);
    await chown(folder, uid, uid);
  }
}

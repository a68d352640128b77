import { utf8 } from '@clean-room/protocol/bytes';
import { ROOT_OWNER, type FileTree, type Owner } from '../tree/file-tree.js';
import { MERGED_LINKS } from '../tree/path.js';

/** The sandbox's user in the profile `second-uid`. */
const SANDBOX_OWNER: Owner = { uid: 10001, gid: 10001 };

/** Minor numbers of the devices in the jail. Their major number is 1. */
const DEVICES = { null: 3, zero: 5, full: 7, random: 8, urandom: 9 };

async function addMergedLinks(tree: FileTree, prefix: string): Promise<void> {
  for (const [name, target] of Object.entries(MERGED_LINKS)) {
    await tree.addDirectory(`${prefix}${target}`);
    await tree.addSymlink(`${prefix}${name}`, target);
  }
}

async function addTexts(
  tree: FileTree,
  prefix: string,
  texts: Readonly<Record<string, string>>
): Promise<void> {
  for (const [name, text] of Object.entries(texts)) await tree.addFile(`${prefix}${name}`, utf8(text));
}

/** Adds the files that the supervisor's system needs in addition to packages. Its only user is root; it resolves names with DNS. */
export async function addOuterBase(tree: FileTree): Promise<void> {
  await addMergedLinks(tree, '');
  for (const name of ['dev', 'proc', 'sys', 'run', 'jail', 'usr/lib/clean-room'])
    await tree.addDirectory(name);
  await tree.addDirectory('root', 0o700);
  await tree.addDirectory('tmp', 0o1777);
  await addTexts(tree, 'etc/', {
    passwd: 'root:x:0:0:root:/root:/nonexistent\n',
    group: 'root:x:0:\n',
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n'
  });
}

/**
 * Adds the files that the jail needs in addition to packages. Its user can write only to `nb`, `tmp` and `dev/shm`. The folders
 * `proc`, `sys` and `run` are empty.
 *
 * @param python - the version of Python, such as `3.11`
 */
export async function addJailBase(tree: FileTree, python: string): Promise<void> {
  const jail = 'jail/';
  await addMergedLinks(tree, jail);
  for (const name of ['proc', 'sys', 'run', 'data', 'clean-room', 'dev', 'var'])
    await tree.addDirectory(jail + name);
  for (const name of ['nb', 'tmp', 'dev/shm']) await tree.addDirectory(jail + name, 0o700, SANDBOX_OWNER);
  for (const [name, minor] of Object.entries(DEVICES))
    await tree.addCharacterDevice(`${jail}dev/${name}`, 0o666, 1, minor);
  await tree.addSymlink(`${jail}var/tmp`, '../tmp');
  await tree.addSymlink(`${jail}etc/localtime`, '../usr/share/zoneinfo/Etc/UTC');
  await tree.addSymlink(`${jail}usr/bin/python3`, `python${python}`);
  await tree.addSymlink(`${jail}usr/bin/python`, 'python3');
  await tree.addSymlink(`${jail}usr/bin/awk`, 'mawk');
  const { uid, gid } = SANDBOX_OWNER;
  await addTexts(tree, `${jail}etc/`, {
    passwd: `root:x:${ROOT_OWNER.uid}:${ROOT_OWNER.gid}:root:/:/nonexistent\nnb:x:${uid}:${gid}:notebook:/nb:/bin/bash\n`,
    group: `root:x:0:\nnb:x:${gid}:\n`,
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    timezone: 'Etc/UTC\n'
  });
}

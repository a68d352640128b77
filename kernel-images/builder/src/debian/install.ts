import { posix } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { plainMode, type FileTree } from '../tree/file-tree.js';
import { imagePath, mergedPath, parentOf } from '../tree/path.js';
import { readDeb } from './deb.js';

/**
 * Returns the target of a symbolic link, relative to the link's path in the image, so that links in an unpacked image never
 * point to files of the machine.
 *
 * @param name - the link's path in the package
 * @param path - the link's path in the image
 */
function relativeTarget(name: string, path: string, target: string): string {
  const absolute = posix.resolve('/', posix.dirname(imagePath(name)), target);
  return posix.relative(`/${parentOf(path)}`, `/${mergedPath(absolute)}`);
}

/**
 * Adds the files of a package to a tree below `prefix`. Empty folders, owners, set-user-id bits and maintainer scripts are
 * ignored.
 *
 * @param file - the path of the package
 * @param strip - returns whether a path (without the prefix) is left out
 * @throws CleanRoomError `malformed`, `conflict`
 */
export async function installPackage(
  file: string,
  tree: FileTree,
  prefix: string,
  strip: (path: string) => boolean
): Promise<void> {
  const within = (name: string): string => (prefix === '' ? name : `${prefix}/${name}`);
  for await (const entry of readDeb(file)) {
    const path = mergedPath(entry.name);
    if (path === '' || entry.type === 'directory' || strip(path)) continue;
    switch (entry.type) {
      case 'file':
      case 'contiguous-file':
        await tree.addFile(within(path), entry.content, plainMode(entry.mode));
        break;
      case 'symlink':
        await tree.addSymlink(within(path), relativeTarget(entry.name, path, entry.linkTarget));
        break;
      case 'link':
        await tree.addCopy(within(path), within(mergedPath(entry.linkTarget)));
        break;
      default:
        throw new CleanRoomError(
          'malformed',
          `A package contains an entry of an unsupported type at /${path}.`
        );
    }
  }
}

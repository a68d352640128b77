import { posix } from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { plainMode, type FileTree } from '../tree/file-tree.js';
import { imagePath, mergedPath, parentOf } from '../tree/path.js';
import { readDeb } from './deb.js';

/**
 * The target of a link, relative to where the link comes to stand: so an unpacked image never points at the machine that
 * it is unpacked on.
 */
function relativeTarget(name: string, place: string, target: string): string {
  const meant = posix.resolve('/', posix.dirname(imagePath(name)), target);
  return posix.relative(`/${parentOf(place)}`, `/${mergedPath(meant)}`);
}

/**
 * Lays a package's files into the tree below `prefix`. Folders come only with what is in them; owners other than root,
 * set-user-id marks and maintainer scripts do not come at all.
 * @param strip says which paths (without the prefix) are left out
 * @throws CleanRoomError `malformed`, `conflict`
 */
export async function installPackage(
  path: string,
  tree: FileTree,
  prefix: string,
  strip: (path: string) => boolean
): Promise<void> {
  const within = (name: string): string => (prefix === '' ? name : `${prefix}/${name}`);
  for await (const entry of readDeb(path)) {
    const place = mergedPath(entry.name);
    if (place === '' || entry.type === 'directory' || strip(place)) continue;
    switch (entry.type) {
      case 'file':
      case 'contiguous-file':
        await tree.addFile(within(place), entry.content, plainMode(entry.mode));
        break;
      case 'symlink':
        await tree.addSymlink(within(place), relativeTarget(entry.name, place, entry.linkTarget));
        break;
      case 'link':
        await tree.addCopy(within(place), within(mergedPath(entry.linkTarget)));
        break;
      default:
        throw new CleanRoomError('malformed', `A package brings a ${entry.type} at /${place}.`);
    }
  }
}

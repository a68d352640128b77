import { CleanRoomError } from '@clean-room/protocol/errors';
import { mergedPath, parentOf, plainMode, type FileTree } from '../tree/index.js';
import { readDeb } from './deb.js';

/** The target of a link as it has to be once the link itself has moved below /usr. */
function relocated(target: string, from: string, to: string): string {
  if (target.startsWith('/') || from === to) return target;
  return `/${mergedPath(resolveFrom(parentOf(from), target))}`;
}

function resolveFrom(folder: string, target: string): string {
  const parts = folder === '' ? [] : folder.split('/');
  for (const part of target.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return parts.join('/');
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
        await tree.addSymlink(
          within(place),
          relocated(entry.linkTarget, entry.name.replace(/^\.?\//, ''), place)
        );
        break;
      case 'link':
        await tree.addCopy(within(place), within(mergedPath(entry.linkTarget)));
        break;
      default:
        throw new CleanRoomError('malformed', `A package brings a ${entry.type} at /${place}.`);
    }
  }
}

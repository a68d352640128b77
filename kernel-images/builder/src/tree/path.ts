import { CleanRoomError } from '@clean-room/protocol/errors';

const MERGED = new Set(['bin', 'sbin', 'lib', 'lib64', 'lib32', 'libx32']);

/** The top-level links of a merged-/usr Debian, for the names in use here. */
export const MERGED_LINKS: Readonly<Record<string, string>> = {
  bin: 'usr/bin',
  lib: 'usr/lib',
  lib64: 'usr/lib64',
  sbin: 'usr/sbin'
};

/**
 * The one spelling of a path inside an image: relative, no empty, `.` or `..` parts.
 * @throws CleanRoomError `malformed` for a path that leads out of the tree or holds a NUL
 */
export function imagePath(name: string): string {
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  if (name.includes('\0') || parts.includes('..') || name.includes('\\')) {
    throw new CleanRoomError('malformed', `The path ${JSON.stringify(name)} leads out of the image.`);
  }
  return parts.join('/');
}

/** Puts what a package ships under /bin, /lib and the like where a merged /usr has it. */
export function mergedPath(name: string): string {
  const path = imagePath(name);
  const [first = ''] = path.split('/');
  return MERGED.has(first) && path !== first ? `usr/${path}` : path;
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

export function inBytewiseOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

import { CleanRoomError } from '@clean-room/protocol/errors';

/** Top-level folders that are below /usr in a merged-/usr Debian. */
const MERGED = new Set(['bin', 'sbin', 'lib', 'lib64', 'lib32', 'libx32']);

/** The top-level symbolic links of a merged-/usr Debian that an image needs. */
export const MERGED_LINKS: Readonly<Record<string, string>> = {
  bin: 'usr/bin',
  lib: 'usr/lib',
  lib64: 'usr/lib64',
  sbin: 'usr/sbin'
};

/**
 * Returns the normal form of a path in an image: relative, without empty and `.` segments.
 *
 * @throws CleanRoomError `malformed` if the path contains `..`, a backslash or NUL
 */
export function imagePath(name: string): string {
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  if (name.includes('\0') || parts.includes('..') || name.includes('\\')) {
    throw new CleanRoomError('malformed', `The path ${JSON.stringify(name)} is outside of the image.`);
  }
  return parts.join('/');
}

/** Returns the path of a package's file in a merged-/usr Debian: files below /bin, /lib and so on are below /usr. */
export function mergedPath(name: string): string {
  const path = imagePath(name);
  const [first = ''] = path.split('/');
  return MERGED.has(first) && path !== first ? `usr/${path}` : path;
}

/** Returns the parent folder of a path, empty at the top. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** Compares strings by their UTF-8 bytes, for sorting. */
export function inBytewiseOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

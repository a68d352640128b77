import { utf8 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';

/** The limits of a workspace that can be packaged. `depth` is the number of parts of a path. */
export const WORKSPACE_LIMITS = {
  files: 10_000,
  bytesPerFile: 512 * 1024 ** 2,
  bytes: 1024 ** 3,
  pathBytes: 1024,
  partBytes: 255,
  depth: 32
} as const;

/** Returns a path in printable ASCII, so that no character in it can reorder, hide or break a line of a message. */
function printable(path: string): string {
  const plain = path.replace(
    /[^\x20-\x7e]/gu,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  );
  return plain.slice(0, 200);
}

function throwRefused(path: string, reason: string, remedy: string): never {
  throw new CleanRoomError('workspace-refused', `"${printable(path)}" cannot be packaged: ${reason}.`, {
    remedy,
    details: { path: path.slice(0, 1024) }
  });
}

function isAscii(path: string): boolean {
  return /^[\x20-\x7e]*$/.test(path);
}

const TRAILING_DOTS_AND_SPACES = /[. ]+(?=\/|$)/g;

/**
 * Returns a path in a form that is equal for all paths that some file system considers the same: without differences of case,
 * Unicode form, invisible characters, or dots and spaces at the end of a name.
 */
function folded(path: string): string {
  // A shortcut for the common case. For ASCII the general rules below give the same result.
  if (isAscii(path)) return path.toLowerCase().replace(TRAILING_DOTS_AND_SPACES, '');
  return path
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(TRAILING_DOTS_AND_SPACES, '');
}

/**
 * Characters that can make a name look like another one: control and format characters (such as bidirectional or zero-width
 * ones), separators, and code points that are private or not assigned. Variation selectors are allowed: emoji use them.
 */
const INVISIBLE = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]--[\ufe0e\ufe0f]]/v;

function byteLength(text: string): number {
  return isAscii(text) ? text.length : utf8(text).length;
}

/**
 * Checks that a path of a workspace is valid on every file system, and looks the same on every screen.
 *
 * @throws CleanRoomError `workspace-refused` with the path, the reason and a remedy
 */
export function checkWorkspacePath(path: string): void {
  if (path === '' || path.startsWith('/'))
    throwRefused(path, 'its path is not relative to the workspace', 'Use relative paths.');
  if (!isAscii(path) && (!path.isWellFormed() || path !== path.normalize('NFC'))) {
    throwRefused(path, 'its name is not in the usual Unicode form (NFC)', 'Rename the file.');
  }
  if (path.includes('\\') || (!isAscii(path) && INVISIBLE.test(path))) {
    throwRefused(
      path,
      'its name has a control character, an invisible character or a backslash',
      'Rename the file.'
    );
  }
  if (byteLength(path) > WORKSPACE_LIMITS.pathBytes)
    throwRefused(path, 'its path is too long', 'Shorten it.');
  const parts = path.split('/');
  if (parts.length > WORKSPACE_LIMITS.depth)
    throwRefused(path, 'it is in too many nested folders', 'Use fewer folders.');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..') {
      throwRefused(path, 'its path contains "..", "." or an empty name', 'Use plain relative paths.');
    }
    if (part.startsWith('.wh.'))
      throwRefused(
        path,
        'a name that begins with ".wh." would delete files of the image',
        'Rename the file.'
      );
    if (byteLength(part) > WORKSPACE_LIMITS.partBytes)
      throwRefused(path, 'a name in it is too long', 'Shorten it.');
  }
}

/** Yields the paths of the folders above a path, from the outermost: `a` and `a/b` for `a/b/c`. */
export function* foldersAbove(path: string): Generator<string> {
  for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) yield path.slice(0, end);
}

/**
 * Checks the files of a workspace: every path, the limits, and that no file system considers two of the names the same.
 *
 * @throws CleanRoomError `workspace-refused` with the path, the reason and a remedy
 *
 * @example
 * ```ts
 * import { checkWorkspace } from '@clean-room/protocol/packaging';
 *
 * try {
 *   checkWorkspace([
 *     { path: 'data/table.csv', bytes: 100 },
 *     { path: 'Data/table.csv', bytes: 100 }
 *   ]);
 * } catch (error) {
 *   console.log(error.message); // "Data" cannot be packaged: its name collides with "data".
 * }
 * ```
 */
export function checkWorkspace(files: readonly { readonly path: string; readonly bytes: number }[]): void {
  if (files.length > WORKSPACE_LIMITS.files) {
    throw new CleanRoomError(
      'workspace-refused',
      `The workspace has ${files.length} files, more than ${WORKSPACE_LIMITS.files}.`,
      { remedy: 'Remove files that the notebook does not read.' }
    );
  }
  let total = 0;
  const names = new Map<string, string>();
  const folders = new Set<string>();
  const addName = (path: string): void => {
    const name = folded(path);
    const other = names.get(name);
    if (other !== undefined)
      throwRefused(path, `its name collides with "${printable(other)}"`, 'Rename one of them.');
    names.set(name, path);
  };
  for (const { path, bytes } of files) {
    checkWorkspacePath(path);
    for (const folder of foldersAbove(path)) {
      if (!folders.has(folder)) addName(folder);
      folders.add(folder);
    }
    addName(path);
    if (bytes > WORKSPACE_LIMITS.bytesPerFile)
      throwRefused(path, 'it is larger than 512 MiB', 'Remove it from the workspace.');
    total += bytes;
    if (total > WORKSPACE_LIMITS.bytes)
      throwRefused(path, 'with this file, the workspace is larger than 1 GiB', 'Remove large files.');
  }
}

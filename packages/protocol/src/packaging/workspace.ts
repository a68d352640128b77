import { utf8 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';

/** What a workspace may be; over it, packaging refuses. */
export const WORKSPACE_LIMITS = {
  files: 10_000,
  bytesPerFile: 512 * 1024 ** 2,
  bytes: 1024 ** 3,
  pathBytes: 1024,
  partBytes: 255,
  depth: 32
} as const;

/** A path as it can be shown anywhere: nothing in it reorders, hides or breaks a line. */
function shown(path: string): string {
  const plain = path.replace(
    /[^\x20-\x7e]/gu,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  );
  return plain.slice(0, 200);
}

function refuse(path: string, reason: string, remedy: string): never {
  throw new CleanRoomError('workspace-refused', `"${shown(path)}" can't be packaged: ${reason}.`, {
    remedy,
    details: { path: path.slice(0, 1024) }
  });
}

function isAscii(path: string): boolean {
  return /^[\x20-\x7e]*$/.test(path);
}

const TRAILING = /[. ]+(?=\/|$)/g;

/**
 * Names that some file system takes for the same: case, Unicode forms, characters that don't show, and dots and spaces at
 * the end of a name.
 */
function folded(path: string): string {
  // The common case; for these characters it is what the rest comes to.
  if (isAscii(path)) return path.toLowerCase().replace(TRAILING, '');
  return path
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .normalize('NFKC')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKC')
    .replace(TRAILING, '');
}

/**
 * Characters that make a name look like another one: bidirectional controls, zero-width ones, those without a meaning.
 * Variation selectors belong to emoji.
 */
const INVISIBLE = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}]--[\ufe0e\ufe0f]]/v;

function byteLength(text: string): number {
  return isAscii(text) ? text.length : utf8(text).length;
}

/** @throws CleanRoomError `workspace-refused` with the path, why, and what to do */
export function checkWorkspacePath(path: string): void {
  if (path === '' || path.startsWith('/'))
    refuse(path, 'it is not a path below the workspace', 'Use relative paths.');
  if (!isAscii(path) && (!path.isWellFormed() || path !== path.normalize('NFC'))) {
    refuse(path, 'its name is not in the usual Unicode form (NFC)', 'Rename the file.');
  }
  if (path.includes('\\') || (!isAscii(path) && INVISIBLE.test(path))) {
    refuse(path, 'its name has a control character, an invisible one or a backslash', 'Rename the file.');
  }
  if (byteLength(path) > WORKSPACE_LIMITS.pathBytes) refuse(path, 'its path is too long', 'Shorten it.');
  const parts = path.split('/');
  if (parts.length > WORKSPACE_LIMITS.depth) refuse(path, 'it lies too deep', 'Use fewer folders.');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..') {
      refuse(path, 'it leads out of the workspace or names a folder twice', 'Use plain relative paths.');
    }
    if (part.startsWith('.wh.'))
      refuse(path, 'names beginning with ".wh." delete files in images', 'Rename the file.');
    if (byteLength(part) > WORKSPACE_LIMITS.partBytes)
      refuse(path, 'a name in it is too long', 'Shorten it.');
  }
}

/**
 * Checks a whole list of files: every path, the limits, and that no two names are the same to some file system.
 * @throws CleanRoomError `workspace-refused`
 */
export function checkWorkspace(files: readonly { readonly path: string; readonly bytes: number }[]): void {
  if (files.length > WORKSPACE_LIMITS.files) {
    throw new CleanRoomError(
      'workspace-refused',
      `The workspace has ${files.length} files, more than ${WORKSPACE_LIMITS.files}.`,
      { remedy: 'Leave out what the notebook does not read.' }
    );
  }
  let total = 0;
  const names = new Map<string, string>();
  const folders = new Set<string>();
  const take = (path: string): void => {
    const name = folded(path);
    const other = names.get(name);
    if (other !== undefined) refuse(path, `its name collides with "${shown(other)}"`, 'Rename one of them.');
    names.set(name, path);
  };
  for (const { path, bytes } of files) {
    checkWorkspacePath(path);
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const folder = path.slice(0, end);
      if (!folders.has(folder)) take(folder);
      folders.add(folder);
    }
    take(path);
    if (bytes > WORKSPACE_LIMITS.bytesPerFile) refuse(path, 'it is larger than 512 MiB', 'Leave it out.');
    total += bytes;
    if (total > WORKSPACE_LIMITS.bytes)
      refuse(path, 'with it the workspace is larger than 1 GiB', 'Leave out large files.');
  }
}

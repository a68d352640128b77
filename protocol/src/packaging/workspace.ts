import { utf8 } from '../bytes/index.js';
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

function refuse(path: string, reason: string, remedy: string): never {
  const shown = path.replace(
    /[^\x20-\x7e]/gu,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  );
  throw new CleanRoomError('workspace-refused', `"${shown.slice(0, 200)}" can't be packaged: ${reason}.`, {
    remedy
  });
}

/** Names that some file system takes for the same: case and every Unicode form folded. */
function folded(path: string): string {
  return path.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFKC');
}

/** Bidirectional controls, zero-width and other characters that make a name look like another one. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}]/u;

/** @throws CleanRoomError `workspace-refused` with the path, why, and what to do */
export function checkWorkspacePath(path: string): void {
  if (path === '' || path.startsWith('/'))
    refuse(path, 'it is not a path below the workspace', 'Use relative paths.');
  if (!path.isWellFormed() || path !== path.normalize('NFC')) {
    refuse(path, 'its name is not in the usual Unicode form (NFC)', 'Rename the file.');
  }
  if (INVISIBLE.test(path) || path.includes('\\')) {
    refuse(path, 'its name has a control character, an invisible one or a backslash', 'Rename the file.');
  }
  if (utf8(path).length > WORKSPACE_LIMITS.pathBytes) refuse(path, 'its path is too long', 'Shorten it.');
  const parts = path.split('/');
  if (parts.length > WORKSPACE_LIMITS.depth) refuse(path, 'it lies too deep', 'Use fewer folders.');
  for (const part of parts) {
    if (part === '' || part === '.' || part === '..') {
      refuse(path, 'it leads out of the workspace or names a folder twice', 'Use plain relative paths.');
    }
    if (part.startsWith('.wh.'))
      refuse(path, 'names beginning with ".wh." delete files in images', 'Rename the file.');
    if (utf8(part).length > WORKSPACE_LIMITS.partBytes)
      refuse(path, 'a name in it is too long', 'Shorten it.');
  }
}

/**
 * Checks a whole list of files: every path, the limits, and that no two names are the same to some file system.
 * @throws CleanRoomError `workspace-refused`
 */
export function checkWorkspace(files: readonly { readonly path: string; readonly bytes: number }[]): void {
  if (files.length > WORKSPACE_LIMITS.files) {
    refuse(
      '',
      `there are ${files.length} files, more than ${WORKSPACE_LIMITS.files}`,
      'Leave out what the notebook does not read.'
    );
  }
  let total = 0;
  const names = new Map<string, { readonly path: string; readonly kind: 'file' | 'folder' }>();
  const take = (path: string, kind: 'file' | 'folder'): void => {
    const other = names.get(folded(path));
    if (other === undefined) names.set(folded(path), { path, kind });
    else if (other.path !== path || other.kind === 'file' || kind === 'file') {
      refuse(path, `its name collides with "${other.path}"`, 'Rename one of them.');
    }
  };
  for (const { path, bytes } of files) {
    checkWorkspacePath(path);
    const parts = path.split('/');
    parts.slice(0, -1).forEach((_, index) => take(parts.slice(0, index + 1).join('/'), 'folder'));
    take(path, 'file');
    if (bytes > WORKSPACE_LIMITS.bytesPerFile) refuse(path, 'it is larger than 512 MiB', 'Leave it out.');
    total += bytes;
    if (total > WORKSPACE_LIMITS.bytes)
      refuse(path, 'with it the workspace is larger than 1 GiB', 'Leave out large files.');
  }
}

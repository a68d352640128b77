import { systemErrorCode } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';

function fileRefused(path: string, reason: string, remedy: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('workspace-refused', `"${path.slice(0, 200)}" cannot be packaged: ${reason}.`, {
    remedy,
    cause,
    details: { path: path.slice(0, 1024) }
  });
}

/**
 * Throws the error for a file that cannot be part of a submission.
 *
 * @param reason - the end of the sentence "… cannot be packaged: …", without a period
 * @throws CleanRoomError `workspace-refused`
 */
export function throwFileRefused(path: string, reason: string, remedy: string): never {
  throw fileRefused(path, reason, remedy);
}

/** Throws the error for an entry that is neither a regular file nor a folder. */
export function throwNotRegular(path: string): never {
  throwFileRefused(path, 'it is not a regular file', 'Leave it out.');
}

/** Returns the error to report for a system error about a path of the workspace. Unknown errors are returned unchanged. */
export function fileError(error: unknown, path: string): unknown {
  switch (systemErrorCode(error)) {
    case 'ENOENT':
      return new CleanRoomError('not-found', `"${path.slice(0, 200)}" is not in the workspace.`, {
        cause: error
      });
    case 'ELOOP':
    case 'ENOTDIR':
      return fileRefused(
        path,
        'its path contains a symbolic link or a file',
        'Replace the link with a copy of the file.',
        error
      );
    case 'ENXIO':
      return fileRefused(path, 'it is not a regular file', 'Leave it out.', error);
    case 'EACCES':
    case 'EPERM':
      return fileRefused(
        path,
        'you have no permission to read it',
        'Change its permissions, or leave it out.',
        error
      );
    default:
      return error;
  }
}

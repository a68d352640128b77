import { CleanRoomError } from '@clean-room/protocol/errors';
import { systemCode } from '../system-error.js';

function refusal(path: string, reason: string, remedy: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError('workspace-refused', `"${path.slice(0, 200)}" can't be packaged: ${reason}.`, {
    remedy,
    cause,
    details: { path: path.slice(0, 1024) }
  });
}

/** @throws CleanRoomError `workspace-refused` */
export function refuse(path: string, reason: string, remedy: string): never {
  throw refusal(path, reason, remedy);
}

/** Says in our words what the system said about a path of the workspace. */
export function translate(error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case 'ENOENT':
      return new CleanRoomError('not-found', `"${path.slice(0, 200)}" is not in the workspace.`, {
        cause: error
      });
    case 'ELOOP':
    case 'ENOTDIR':
      return refusal(
        path,
        'it lies behind a link or below a file',
        'Put a copy of the file in its place.',
        error
      );
    case 'ENXIO':
      return refusal(path, 'it is no regular file', 'Leave it out.', error);
    case 'EACCES':
    case 'EPERM':
      return refusal(path, 'you may not read it', 'Change its permissions, or leave it out.', error);
    default:
      return error;
  }
}

import { CleanRoomError } from '@clean-room/protocol/errors';

/** The source no longer has a locked file. */
export function vanished(title: string, source: string, cause?: unknown): CleanRoomError {
  return new CleanRoomError(
    'not-found',
    `${title} is locked for this image, but ${source} no longer has it.`,
    {
      cause,
      remedy:
        'Run `npm run build:kernel -- relock` to lock what there is now, or name a source that still has it ' +
        '(CLEAN_ROOM_DEBIAN_MIRROR for Debian packages, your pip configuration for wheels).',
      details: { input: title }
    }
  );
}

import type { Readable } from 'node:stream';
import { CleanRoomError } from '@clean-room/protocol/errors';

const MAX_HEADER_BYTES = 16_384;

/**
 * Reads the text header of an age file including its MAC line (age-encryption.org/v1). The header is enough to find the
 * file key, and contains nothing of the file's content. The stream is closed.
 *
 * @throws CleanRoomError `malformed`
 */
export async function readAgeHeader(stream: Readable): Promise<Uint8Array> {
  let start = Buffer.alloc(0);
  for await (const chunk of stream) {
    start = Buffer.concat([start, chunk as Buffer]);
    const mac = start.indexOf('\n--- ');
    const end = mac === -1 ? -1 : start.indexOf('\n', mac + 1);
    if (end !== -1 && start.toString('latin1').startsWith('age-encryption.org/v1\n')) {
      return new Uint8Array(start.subarray(0, end + 1));
    }
    if (start.length > MAX_HEADER_BYTES) break;
  }
  throw new CleanRoomError('malformed', 'The sealed data is not an age file.');
}

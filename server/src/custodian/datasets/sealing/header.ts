import { open } from 'node:fs/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

const LONGEST_HEADER = 16_384;

/**
 * The text header of an age file, its MAC line included: all that is needed to find its file key, and nothing of its
 * content (age-encryption.org/v1).
 */
export async function readAgeHeader(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(LONGEST_HEADER), 0, LONGEST_HEADER, 0);
    const start = buffer.subarray(0, bytesRead);
    const mac = start.indexOf('\n--- ');
    const end = mac === -1 ? -1 : start.indexOf('\n', mac + 1);
    if (!start.toString('latin1').startsWith('age-encryption.org/v1\n') || end === -1) {
      throw new CleanRoomError('malformed', `${file} is not an age file.`);
    }
    return new Uint8Array(start.subarray(0, end + 1));
  } finally {
    await handle.close();
  }
}

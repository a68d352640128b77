import { readFile, stat } from 'node:fs/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * Reads a file that holds a secret, and removes white space at both ends.
 *
 * @throws CleanRoomError `not-found` when the file cannot be read, `forbidden` when users other than its owner can read it
 */
export async function readSecretFile(file: string): Promise<string> {
  let mode: number;
  let text: string;
  try {
    mode = (await stat(file)).mode;
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CleanRoomError('not-found', `The secret in ${file} cannot be read.`, {
      remedy: 'Check that the file exists and that this program is allowed to read it.',
      cause
    });
  }
  if ((mode & 0o077) !== 0) {
    throw new CleanRoomError('forbidden', `Other users of this machine can read the secret in ${file}.`, {
      remedy: `Run "chmod 600 ${file}". If other people use this machine, create a new secret too.`
    });
  }
  return text.trim();
}

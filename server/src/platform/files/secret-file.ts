import { readFile, stat } from 'node:fs/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';

/**
 * The text of a file that holds a secret, without the line end.
 * @throws CleanRoomError `unavailable` when it is not there, `forbidden` when others than its owner may read it
 */
export async function readSecretFile(file: string): Promise<string> {
  let mode: number;
  let text: string;
  try {
    mode = (await stat(file)).mode;
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new CleanRoomError('unavailable', `The secret in ${file} can not be read.`, { cause });
  }
  if ((mode & 0o077) !== 0) {
    throw new CleanRoomError('forbidden', `Others may read the secret in ${file}.`, {
      remedy: `Run "chmod 600 ${file}", and make a new secret if others use this machine.`
    });
  }
  return text.trim();
}

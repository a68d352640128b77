import { CleanRoomError } from '@clean-room/protocol/errors';
import { parseJsonFile, readOptional } from './home/home.js';

/** @throws CleanRoomError `not-found`, `malformed` */
export async function readJsonFile(file: string): Promise<unknown> {
  const bytes = await readOptional(file);
  if (bytes === undefined) throw new CleanRoomError('not-found', `There is no file ${file}.`);
  return parseJsonFile(bytes, file);
}

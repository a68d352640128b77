import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isMissing } from '@clean-room/node-support';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Terminal } from './terminal/terminal.js';

/**
 * Reads a file.
 * @returns undefined when the file does not exist
 * @throws CleanRoomError `unavailable` when it cannot be read
 */
export async function readOptional(file: string): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new CleanRoomError('unavailable', `${file} cannot be read.`, {
      remedy: 'Check that it is a file and that you have permission to read it.',
      cause: error
    });
  }
}

/**
 * Reads a file that the command line names.
 * @throws CleanRoomError `not-found` when it does not exist, `unavailable` when it cannot be read
 */
export async function readRequired(file: string): Promise<Uint8Array> {
  const bytes = await readOptional(file);
  if (bytes !== undefined) return bytes;
  throw new CleanRoomError('not-found', `The file ${file} does not exist.`);
}

/**
 * Reads a file that the command line names, or standard input when the name is `-`.
 * @throws CleanRoomError `not-found`, `unavailable`
 */
export async function readFileOrInput(terminal: Terminal, name: string): Promise<Uint8Array> {
  return name === '-' ? terminal.readInput() : readRequired(path.resolve(terminal.folder, name));
}

/**
 * Parses JSON.
 * @param what - the name of the file, for messages
 * @throws CleanRoomError `malformed`
 */
export function parseJsonFile(bytes: Uint8Array, what: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new CleanRoomError('malformed', `${what} is not valid JSON.`, {
      remedy: 'Correct the file.',
      cause
    });
  }
}

/**
 * Reads a JSON file.
 * @throws CleanRoomError `not-found`, `unavailable`, `malformed`
 */
export async function readJsonFile(file: string): Promise<unknown> {
  return parseJsonFile(await readRequired(file), file);
}

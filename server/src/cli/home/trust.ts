import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { TrustRoots } from '@clean-room/protocol/receipts';
import { readOptional } from '../files.js';
import type { Home } from './home.js';

/**
 * Reads the trust roots from the given file, or from `trust.json` in the person's folder.
 *
 * @returns undefined when the person has no `trust.json`
 * @throws CleanRoomError `malformed`, or `not-found` when the given file does not exist
 */
export async function readTrustRoots(home: Home, named?: string): Promise<TrustRoots | undefined> {
  const file = named ?? home.file('trust.json');
  const bytes = await readOptional(file);
  if (bytes !== undefined) return checkSchema(TrustRoots, parseStrictJson(bytes), `trust roots in ${file}`);
  if (named === undefined) return undefined;
  throw new CleanRoomError('not-found', `The file ${named} with trust roots does not exist.`);
}

/**
 * Reads the person's trust roots. Without them, nothing may be signed for other parties or sealed to them.
 * @throws CleanRoomError `not-found`
 */
export async function requireTrustRoots(home: Home): Promise<TrustRoots> {
  const trust = await readTrustRoots(home);
  if (trust !== undefined) return trust;
  throw new CleanRoomError(
    'not-found',
    `You have no trust roots yet: ${home.file('trust.json')} does not exist.`,
    {
      remedy: 'Ask your party for its file with trust roots, and save it there.'
    }
  );
}

import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { TrustRoots } from '@clean-room/protocol/receipts';
import { readOptional, type Home } from './home.js';

/**
 * Whom to believe: the file that was named, else `trust.json` of the person's folder, else nobody.
 * @throws CleanRoomError `malformed`, or `not-found` for a named file that is not there
 */
export async function readTrustRoots(home: Home, named?: string): Promise<TrustRoots | undefined> {
  const file = named ?? home.file('trust.json');
  const bytes = await readOptional(file);
  if (bytes !== undefined) return checkSchema(TrustRoots, parseStrictJson(bytes), `trust roots in ${file}`);
  if (named === undefined) return undefined;
  throw new CleanRoomError('not-found', `There are no trust roots at ${named}.`);
}

/** @throws CleanRoomError `not-found`: nothing is signed for, or sealed to, parties that nobody has vouched for */
export async function requireTrustRoots(home: Home): Promise<TrustRoots> {
  const trust = await readTrustRoots(home);
  if (trust !== undefined) return trust;
  throw new CleanRoomError(
    'not-found',
    `You have not said yet whom you trust: ${home.file('trust.json')} is missing.`,
    {
      remedy: 'Ask your party for its trust roots, and put the file there.'
    }
  );
}

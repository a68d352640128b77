import { randomBytes } from 'node:crypto';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { newId } from '../../platform/ids.js';
import type { CustodianContext } from '../context.js';
import type { ChallengeRow } from '../database/tables.js';

const CHALLENGE_MINUTES = 10;

/** A random value that a passkey signs, and the id under which it is stored. */
export interface PasskeyChallenge {
  readonly id: string;
  /** 32 random bytes, base64url. */
  readonly challenge: string;
}

/**
 * Creates and stores a challenge.
 * @param person - the id of the person who must sign it, or null when the person is not known before signing in
 */
export async function createChallenge(
  { db, now }: CustodianContext,
  purpose: ChallengeRow['purpose'],
  person: string | null
): Promise<PasskeyChallenge> {
  const at = now();
  const created = { id: newId(at.getTime()), challenge: randomBytes(32).toString('base64url') };
  await db
    .deleteFrom('challenge')
    .where('created_at', '<', new Date(at.getTime() - CHALLENGE_MINUTES * 60_000))
    .execute();
  await db
    .insertInto('challenge')
    .values({ ...created, purpose, person, created_at: at })
    .execute();
  return created;
}

/**
 * Returns a challenge and deletes it, so that it can be used only once.
 * @throws CleanRoomError `conflict` when it was used before, has expired, or was created for another purpose or person
 */
export async function useChallenge(
  { db, now }: CustodianContext,
  id: string,
  purpose: ChallengeRow['purpose'],
  person: string | null
): Promise<string> {
  const row = await db.deleteFrom('challenge').where('id', '=', id).returningAll().executeTakeFirst();
  const fresh = row !== undefined && now().getTime() - row.created_at.getTime() < CHALLENGE_MINUTES * 60_000;
  if (!fresh || row.purpose !== purpose || row.person !== person) {
    throw new CleanRoomError('conflict', 'This page was used before, or was open for too long.', {
      remedy: 'Open the page again.'
    });
  }
  return row.challenge;
}

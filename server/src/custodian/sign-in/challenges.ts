import { randomBytes } from 'node:crypto';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { newId } from '../../platform/ids.js';
import type { CustodianContext } from '../context.js';
import type { ChallengeRow } from '../database/tables.js';

const CHALLENGE_MINUTES = 10;

export interface PasskeyChallenge {
  readonly id: string;
  /** base64url */
  readonly challenge: string;
}

export async function writeChallenge(
  { db, now }: CustodianContext,
  purpose: ChallengeRow['purpose'],
  person: string | null
): Promise<PasskeyChallenge> {
  const at = now();
  const made = { id: newId(at.getTime()), challenge: randomBytes(32).toString('base64url') };
  await db
    .deleteFrom('challenge')
    .where('created_at', '<', new Date(at.getTime() - CHALLENGE_MINUTES * 60_000))
    .execute();
  await db
    .insertInto('challenge')
    .values({ ...made, purpose, person, created_at: at })
    .execute();
  return made;
}

/** A challenge is answered once. @throws CleanRoomError `conflict` */
export async function takeChallenge(
  { db, now }: CustodianContext,
  id: string,
  purpose: ChallengeRow['purpose'],
  person: string | null
): Promise<string> {
  const row = await db.deleteFrom('challenge').where('id', '=', id).returningAll().executeTakeFirst();
  const fresh = row !== undefined && now().getTime() - row.created_at.getTime() < CHALLENGE_MINUTES * 60_000;
  if (!fresh || row.purpose !== purpose || row.person !== person) {
    throw new CleanRoomError('conflict', 'This page was answered already, or was open for too long.', {
      remedy: 'Open it again.'
    });
  }
  return row.challenge;
}

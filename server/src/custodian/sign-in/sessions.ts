import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Person } from '@clean-room/protocol/parties';
import type { CustodianContext } from '../context.js';
import { requireReviewer } from './reviewers.js';

/** The time after which a person must sign in again. */
export const SESSION_HOURS = 8;

/** A signed-in reviewer. */
export interface SignInSession {
  readonly person: Person;
  /** A secret value that every form contains. Pages of other origins do not know it. */
  readonly csrfToken: string;
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/**
 * Starts a session.
 * @returns the value of the session cookie, of which only the hash is stored
 */
export async function openSession({ db, now }: CustodianContext, person: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await db.deleteFrom('session').where('expires_at', '<', now()).execute();
  await db
    .insertInto('session')
    .values({
      token_hash: hash(token),
      person,
      csrf_token: randomBytes(32).toString('base64url'),
      expires_at: new Date(now().getTime() + SESSION_HOURS * 3_600_000)
    })
    .execute();
  return token;
}

/**
 * Returns the session of a cookie, if it has not expired.
 * @throws CleanRoomError `forbidden` when the person is no longer a reviewer
 */
export async function findSession(
  context: CustodianContext,
  token: string | undefined
): Promise<SignInSession | undefined> {
  if (token === undefined) return undefined;
  const row = await context.db
    .selectFrom('session')
    .selectAll()
    .where('token_hash', '=', hash(token))
    .executeTakeFirst();
  if (row === undefined || row.expires_at <= context.now()) return undefined;
  return { person: await requireReviewer(context, row.person), csrfToken: row.csrf_token };
}

/** Ends a session. */
export async function closeSession({ db }: CustodianContext, token: string): Promise<void> {
  await db.deleteFrom('session').where('token_hash', '=', hash(token)).execute();
}

/** Compares two secrets in constant time. */
export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Person } from '@clean-room/protocol/parties';
import type { CustodianContext } from '../context.js';
import { requireReviewer } from './people.js';

export const SESSION_HOURS = 8;

export interface SignInSession {
  readonly person: Person;
  /** Stands in every form; a page of another origin can't know it. */
  readonly csrf: string;
}

function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

/** @returns the cookie's value; only its hash is kept */
export async function openSession({ db, now }: CustodianContext, person: string): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  await db.deleteFrom('session').where('expires_at', '<', now()).execute();
  await db
    .insertInto('session')
    .values({
      token: hash(token),
      person,
      csrf: randomBytes(32).toString('base64url'),
      expires_at: new Date(now().getTime() + SESSION_HOURS * 3_600_000)
    })
    .execute();
  return token;
}

/** The session behind a cookie, while it lasts and while its person is a reviewer. */
export async function findSession(
  context: CustodianContext,
  token: string | undefined
): Promise<SignInSession | undefined> {
  if (token === undefined) return undefined;
  const row = await context.db
    .selectFrom('session')
    .selectAll()
    .where('token', '=', hash(token))
    .executeTakeFirst();
  if (row === undefined || row.expires_at <= context.now()) return undefined;
  return { person: await requireReviewer(context, row.person), csrf: row.csrf };
}

export async function closeSession({ db }: CustodianContext, token: string): Promise<void> {
  await db.deleteFrom('session').where('token', '=', hash(token)).execute();
}

export function sameSecret(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}

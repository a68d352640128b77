import type { FastifyRequest } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CustodianContext } from '../context.js';
import { findSession, sameSecret, type SignInSession } from '../sign-in/sessions.js';

/** `__Host-`: only this very host can have set it, over a trustworthy connection, for all of its paths. */
export const COOKIE = '__Host-clean-room';

export function cookieOf(request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).filter(pair => pair.startsWith(`${COOKIE}=`));
  // Two of a name mean that somebody else set one of them.
  return pairs.length === 1 ? pairs[0]?.slice(COOKIE.length + 1) : undefined;
}

export function cookieHeader(token: string, seconds: number): string {
  return `${COOKIE}=${token}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`;
}

/** Requests that were not addressed to this origin (a rebound name, another port's page) get nothing. */
export function requireHost({ config }: CustodianContext, request: FastifyRequest): void {
  if (request.headers.host === new URL(config.origin).host) return;
  throw new CleanRoomError('forbidden', `This custodian is at ${config.origin} and nowhere else.`);
}

/** What changes something must come from a page of this very origin. A browser always says; who does not is refused. */
export function requireOwnOrigin({ config }: CustodianContext, request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (request.headers.origin === config.origin && (site === undefined || site === 'same-origin')) return;
  throw new CleanRoomError(
    'forbidden',
    'This was sent from another page than the custodian’s own. Nothing was done.',
    {
      remedy: `Open ${config.origin} and decide there.`
    }
  );
}

/** @throws CleanRoomError `unauthenticated` */
export async function requireSession(
  context: CustodianContext,
  request: FastifyRequest
): Promise<SignInSession> {
  const session = await findSession(context, cookieOf(request));
  if (session !== undefined) return session;
  throw new CleanRoomError('unauthenticated', 'You are not signed in here.', {
    remedy: 'Sign in, then try again.'
  });
}

/** A change by a signed-in person, from a form that this custodian itself has written for this session. */
export async function requireOwnForm(
  context: CustodianContext,
  request: FastifyRequest,
  form: URLSearchParams
): Promise<SignInSession> {
  requireOwnOrigin(context, request);
  const session = await requireSession(context, request);
  if (!sameSecret(form.get('csrf') ?? '', session.csrf)) {
    throw new CleanRoomError(
      'forbidden',
      'The form is not one that this custodian wrote for you. Nothing was done.',
      {
        remedy: 'Open the page again.'
      }
    );
  }
  return session;
}

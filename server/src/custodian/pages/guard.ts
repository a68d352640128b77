import type { FastifyRequest } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CustodianContext } from '../context.js';
import { findSession, sameSecret, type SignInSession } from '../sign-in/sessions.js';

/** With the prefix `__Host-`, browsers accept the cookie only from this host, over a secure connection, for all paths. */
const COOKIE = '__Host-clean-room';

/** Returns the value of the session cookie. */
export function sessionCookie(request: FastifyRequest): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(/;\s*/).filter(pair => pair.startsWith(`${COOKIE}=`));
  // Two cookies of this name mean that another program set one of them, so neither is used.
  return pairs.length === 1 ? pairs[0]?.slice(COOKIE.length + 1) : undefined;
}

/** Returns a `Set-Cookie` header for the session cookie. A lifetime of 0 seconds deletes the cookie. */
export function cookieHeader(token: string, seconds: number): string {
  return `${COOKIE}=${token}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`;
}

/**
 * Refuses requests that are addressed to another host name or port. This stops DNS rebinding.
 * @throws CleanRoomError `forbidden`
 */
export function requireHost({ config }: CustodianContext, request: FastifyRequest): void {
  if (request.headers.host === new URL(config.origin).host) return;
  throw new CleanRoomError('forbidden', `This custodian can be used only at ${config.origin}.`);
}

/**
 * Refuses a change that was not sent by a page of this origin. Browsers always send the origin, so a request without one is
 * refused as well.
 *
 * @throws CleanRoomError `forbidden`
 */
export function requireOwnOrigin({ config }: CustodianContext, request: FastifyRequest): void {
  const site = request.headers['sec-fetch-site'];
  if (request.headers.origin === config.origin && (site === undefined || site === 'same-origin')) return;
  throw new CleanRoomError(
    'forbidden',
    'This request did not come from the custodian’s own page. Nothing was changed.',
    {
      remedy: `Open ${config.origin} and decide there.`
    }
  );
}

/**
 * Returns the session of the reviewer who sent a request.
 * @throws CleanRoomError `unauthenticated`, `forbidden`
 */
export async function requireSession(
  context: CustodianContext,
  request: FastifyRequest
): Promise<SignInSession> {
  const session = await findSession(context, sessionCookie(request));
  if (session !== undefined) return session;
  throw new CleanRoomError('unauthenticated', 'You are not signed in.', {
    remedy: 'Sign in, then try again.'
  });
}

/**
 * Returns the session of the reviewer who sent a form, and checks that this custodian created the form for that session.
 * @throws CleanRoomError `unauthenticated`, `forbidden`
 */
export async function requireOwnForm(
  context: CustodianContext,
  request: FastifyRequest,
  form: URLSearchParams
): Promise<SignInSession> {
  requireOwnOrigin(context, request);
  const session = await requireSession(context, request);
  if (!sameSecret(form.get('csrf') ?? '', session.csrfToken)) {
    throw new CleanRoomError(
      'forbidden',
      'This form was not created for you by this custodian. Nothing was changed.',
      {
        remedy: 'Open the page again.'
      }
    );
  }
  return session;
}

import { Type } from 'typebox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { App } from '../../platform/http/app.js';
import { custodianPaths } from '../config.js';
import type { CustodianContext } from '../context.js';
import { createChallenge, useChallenge } from '../sign-in/challenges.js';
import { requireReviewer, reviewerOfPasskey, reviewers } from '../sign-in/reviewers.js';
import { closeSession, findSession, openSession, SESSION_HOURS } from '../sign-in/sessions.js';
import { useTicket } from '../sign-in/tickets.js';
import { readAuthentication } from './credentials.js';
import { cookieHeader, requireOwnForm, requireOwnOrigin, sessionCookie } from './guard.js';
import { html, type Html } from './html.js';
import { sendPage, seeOther } from './layout.js';

const SignInQuery = Type.Object({
  ticket: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
  to: Type.Optional(Type.String({ maxLength: 200 }))
});

/** Returns the page to show after signing in. It is always a page of this custodian, never another address. */
function ownPage(to: string | null | undefined): string {
  return to !== undefined && to !== null && /^\/(approve\/[0-9a-z]{26}|passkeys)?$/.test(to) ? to : '/';
}

/** The form for a sign-in link. A person has to press a button, because mail programs open links to check them. */
function ticketForm(ticket: string, target: Html): Html {
  return html`<form method="post" action="/sign-in/ticket">
    ${target}<input type="hidden" name="ticket" value="${ticket}" /><button class="primary">
      Continue with your link
    </button>
  </form>`;
}

function passkeyForm(challenge: string, options: string, target: Html): Html {
  return html`<form method="post" action="/sign-in/passkey" data-passkey="get" data-options="${options}">
    ${target}<input type="hidden" name="challenge" value="${challenge}" /><input
      type="hidden"
      name="passkey"
      value=""
    />
    <button class="primary">Sign in with passkey</button>
    <p data-message role="alert"></p>
  </form>`;
}

async function signInPage(context: CustodianContext, ticket: string | undefined, to: string): Promise<Html> {
  const { config } = context;
  const people = await reviewers(context);
  const { id, challenge } = await createChallenge(context, 'sign-in', null);
  const allowCredentials = people.flatMap(({ passkeys }) =>
    passkeys
      .filter(({ origin }) => origin === config.origin)
      .map(({ credentialId }) => ({ type: 'public-key', id: credentialId }))
  );
  const options = JSON.stringify({
    challenge,
    rpId: new URL(config.origin).hostname,
    userVerification: 'required',
    timeout: 300_000,
    allowCredentials
  });
  const target = html`<input type="hidden" name="to" value="${to}" />`;
  return html`<h1>Sign in</h1>
    <p>On these pages, the reviewers of ${config.party} decide who may use its data.</p>
    ${ticket === undefined ? html`` : ticketForm(ticket, target)}
    ${allowCredentials.length === 0 ? html`` : passkeyForm(id, options, target)}
    ${
      config.demo === undefined
        ? html`<p class="soft">
            You have no passkey yet? Ask the administrator of this custodian for a sign-in link.
          </p>`
        : people.map(
            person =>
              html`<form method="post" action="/sign-in/demo">
                ${target}<input type="hidden" name="person" value="${person.id}" />
                <button>Continue as ${person.name}</button>
                <p class="soft">A demo custodian does not ask for proof of who you are.</p>
              </form>`
          )
    }`;
}

/** Adds the pages for signing in and out. */
export function addSignInPages(app: App, context: CustodianContext): void {
  const { tickets } = custodianPaths(context);

  const sessionHeader = async (person: string): Promise<string> =>
    cookieHeader(await openSession(context, person), SESSION_HOURS * 3600);

  app.get<{ Querystring: { ticket?: string; to?: string } }>(
    '/sign-in',
    { schema: { hide: true, querystring: SignInQuery } },
    async (request, reply) => {
      const { ticket, to } = request.query;
      const session = await findSession(context, sessionCookie(request));
      if (session !== undefined) return seeOther(reply, ownPage(to));
      return sendPage(context, reply, {
        title: 'Sign in',
        body: await signInPage(context, ticket, ownPage(to))
      });
    }
  );

  app.post<{ Body: URLSearchParams }>(
    '/sign-in/ticket',
    { schema: { hide: true } },
    async (request, reply) => {
      requireOwnOrigin(context, request);
      const id = await useTicket(tickets, request.body.get('ticket') ?? '', context.now());
      const person = await requireReviewer(context, id);
      return seeOther(
        reply.header('set-cookie', await sessionHeader(person.id)),
        ownPage(request.body.get('to'))
      );
    }
  );

  app.post<{ Body: URLSearchParams }>(
    '/sign-in/passkey',
    { schema: { hide: true } },
    async (request, reply) => {
      requireOwnOrigin(context, request);
      const challenge = await useChallenge(context, request.body.get('challenge') ?? '', 'sign-in', null);
      const person = await reviewerOfPasskey(context, readAuthentication(request.body), challenge);
      return seeOther(
        reply.header('set-cookie', await sessionHeader(person.id)),
        ownPage(request.body.get('to'))
      );
    }
  );

  app.post<{ Body: URLSearchParams }>('/sign-in/demo', { schema: { hide: true } }, async (request, reply) => {
    requireOwnOrigin(context, request);
    if (context.config.demo === undefined) {
      throw new CleanRoomError('forbidden', 'Only a demo custodian lets people sign in without proof.', {
        remedy: 'Sign in with your passkey, or ask for a sign-in link.'
      });
    }
    const person = await requireReviewer(context, request.body.get('person') ?? '');
    return seeOther(
      reply.header('set-cookie', await sessionHeader(person.id)),
      ownPage(request.body.get('to'))
    );
  });

  app.post<{ Body: URLSearchParams }>('/sign-out', { schema: { hide: true } }, async (request, reply) => {
    await requireOwnForm(context, request, request.body);
    await closeSession(context, sessionCookie(request) ?? '');
    return seeOther(reply.header('set-cookie', cookieHeader('', 0)), '/sign-in');
  });
}

import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import path from 'node:path';
import { Type } from 'typebox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import type { App } from '../../platform/http/app.js';
import type { CustodianContext } from '../context.js';
import { readRegistration, registrationOptions } from '../enrolment/enrol.js';
import { enrol, nextRoster } from '../enrolment/roster.js';
import { takeChallenge, writeChallenge } from '../sign-in/challenges.js';
import { personOfPasskey } from '../sign-in/passkey.js';
import { requireReviewer, reviewers } from '../sign-in/people.js';
import { closeSession, findSession, openSession, SESSION_HOURS } from '../sign-in/sessions.js';
import { useTicket } from '../sign-in/tickets.js';
import { sendPage, seeOther } from './answer.js';
import { cookieHeader, cookieOf, requireOwnForm, requireOwnOrigin, requireSession } from './guard.js';
import { html, type Html } from './html.js';
import { assertionFrom } from './passkey-answer.js';

const SignInQuery = Type.Object({
  ticket: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' })),
  to: Type.Optional(Type.String({ maxLength: 200 }))
});

/** Where to go after signing in: a page of this custodian, never another address. */
function ownPlace(to: string | null | undefined): string {
  return to !== undefined && to !== null && /^\/(approve\/[0-9a-z]{26}|passkeys)?$/.test(to) ? to : '/';
}

async function signInPage(context: CustodianContext, ticket: string | undefined, to: string): Promise<Html> {
  const { config } = context;
  const people = await reviewers(context);
  const { id, challenge } = await writeChallenge(context, 'sign-in', null);
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
  const hidden = html`<input type="hidden" name="to" value="${to}" />`;
  return html`<h1>Sign in</h1>
    <p>Here the reviewers of ${config.party} decide who may use its data.</p>
    ${
      ticket === undefined
        ? html``
        : html`<form method="post" action="/sign-in/ticket">
            ${hidden}<input type="hidden" name="ticket" value="${ticket}" /><button class="primary">
              Continue with your link
            </button>
          </form>`
    }
    ${
      allowCredentials.length === 0
        ? html``
        : html`<form method="post" action="/sign-in/passkey" data-passkey="get" data-options="${options}">
            ${hidden}<input type="hidden" name="challenge" value="${id}" /><input
              type="hidden"
              name="passkey"
              value=""
            />
            <button class="primary">Sign in with passkey</button>
            <p data-trouble role="alert"></p>
          </form>`
    }
    ${
      config.demo === undefined
        ? html`<p class="soft">No passkey yet? Ask whoever runs this custodian for a sign-in link.</p>`
        : people.map(
            person =>
              html`<form method="post" action="/sign-in/demo">
                ${hidden}<input type="hidden" name="person" value="${person.id}" />
                <button>Continue as ${person.name}</button>
                <p class="soft">A demo custodian asks for no proof.</p>
              </form>`
          )
    }`;
}

async function passkeysPage(
  context: CustodianContext,
  session: Awaited<ReturnType<typeof requireSession>>
): Promise<Html> {
  const { config } = context;
  const { id, challenge } = await writeChallenge(context, 'enrol', session.person.id);
  const options = JSON.stringify(await registrationOptions(context, session.person, challenge));
  const own = session.person.passkeys;
  const waiting = await nextRoster(context);
  return html`<h1>Your passkeys</h1>
    ${
      own.length === 0
        ? html`<p>You have none yet.</p>`
        : html`<table>
            <tr>
              <th>Passkey</th>
              <th>Origin</th>
            </tr>
            ${own.map(
              ({ credentialId, origin }) =>
                html`<tr>
                  <td><code>${credentialId.slice(0, 12)}…</code></td>
                  <td>${origin}</td>
                </tr>`
            )}
          </table>`
    }
    <form method="post" action="/passkeys" data-passkey="create" data-options="${options}">
      <input type="hidden" name="csrf" value="${session.csrf}" /><input
        type="hidden"
        name="challenge"
        value="${id}"
      />
      <input type="hidden" name="passkey" value="" />
      <div class="actions"><button class="primary">Add a passkey</button></div>
      <p data-trouble role="alert"></p>
    </form>
    ${
      waiting === undefined
        ? html``
        : html`<h2>Waits for the root key</h2>
            <p>
              A passkey counts once the root key of ${config.party} has signed a roster that lists it. Give
              <a href="/passkeys/roster.json" download>this roster</a> to whoever keeps that key, to run:
            </p>
            <pre>
clean-room roster sign roster.json --key ROOT_KEY_FILE --out signed.json
clean-room roster publish signed.json</pre>`
    }`;
}

/** Signing in and out, and passkeys. */
export function addPeoplePages(app: App, context: CustodianContext): void {
  const tickets = path.join(context.folder, 'sign-in');

  const welcome = async (person: string): Promise<string> =>
    cookieHeader(await openSession(context, person), SESSION_HOURS * 3600);

  app.get<{ Querystring: { ticket?: string; to?: string } }>(
    '/sign-in',
    { schema: { hide: true, querystring: SignInQuery } },
    async (request, reply) => {
      const { ticket, to } = request.query;
      const session = await findSession(context, cookieOf(request));
      if (session !== undefined) return seeOther(reply, ownPlace(to));
      return sendPage(context, reply, {
        title: 'Sign in',
        body: await signInPage(context, ticket, ownPlace(to))
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
      return seeOther(reply.header('set-cookie', await welcome(person.id)), ownPlace(request.body.get('to')));
    }
  );

  app.post<{ Body: URLSearchParams }>(
    '/sign-in/passkey',
    { schema: { hide: true } },
    async (request, reply) => {
      requireOwnOrigin(context, request);
      const challenge = await takeChallenge(context, request.body.get('challenge') ?? '', 'sign-in', null);
      const response: AuthenticationResponseJSON = assertionFrom(request.body.get('passkey') ?? '');
      const person = await personOfPasskey(context, response, challenge);
      return seeOther(reply.header('set-cookie', await welcome(person.id)), ownPlace(request.body.get('to')));
    }
  );

  app.post<{ Body: URLSearchParams }>('/sign-in/demo', { schema: { hide: true } }, async (request, reply) => {
    requireOwnOrigin(context, request);
    if (context.config.demo === undefined) {
      throw new CleanRoomError('forbidden', 'Only a demo custodian takes people at their word.');
    }
    const person = await requireReviewer(context, request.body.get('person') ?? '');
    return seeOther(reply.header('set-cookie', await welcome(person.id)), ownPlace(request.body.get('to')));
  });

  app.post<{ Body: URLSearchParams }>('/sign-out', { schema: { hide: true } }, async (request, reply) => {
    await requireOwnForm(context, request, request.body);
    await closeSession(context, cookieOf(request) ?? '');
    return seeOther(reply.header('set-cookie', cookieHeader('', 0)), '/sign-in');
  });

  app.get('/passkeys', { schema: { hide: true } }, async (request, reply) => {
    const session = await requireSession(context, request);
    return sendPage(context, reply, {
      title: 'Passkeys',
      body: await passkeysPage(context, session),
      session
    });
  });

  app.get('/passkeys/roster.json', { schema: { hide: true } }, async (request, reply) => {
    await requireSession(context, request);
    const next = await nextRoster(context);
    if (next === undefined) throw new CleanRoomError('not-found', 'No passkey waits.');
    return reply
      .header('cache-control', 'no-store')
      .header('content-disposition', 'attachment; filename="roster.json"')
      .type('application/json')
      .send(Buffer.from(Roster.write(next)));
  });

  app.post<{ Body: URLSearchParams }>('/passkeys', { schema: { hide: true } }, async (request, reply) => {
    const session = await requireOwnForm(context, request, request.body);
    const challenge = await takeChallenge(
      context,
      request.body.get('challenge') ?? '',
      'enrol',
      session.person.id
    );
    const response = assertionFrom(request.body.get('passkey') ?? '') as unknown as RegistrationResponseJSON;
    await enrol(context, session.person.id, await readRegistration(context, response, challenge));
    return seeOther(reply, '/passkeys');
  });
}

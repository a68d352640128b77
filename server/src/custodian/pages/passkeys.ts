import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster, type Passkey } from '@clean-room/protocol/parties';
import type { App } from '../../platform/http/app.js';
import type { CustodianContext } from '../context.js';
import { readRegistration, registrationOptions } from '../enrolment/enrol.js';
import { enrol, nextRoster } from '../enrolment/roster.js';
import { createChallenge, useChallenge } from '../sign-in/challenges.js';
import type { SignInSession } from '../sign-in/sessions.js';
import { readNewPasskey } from './credentials.js';
import { requireOwnForm, requireSession } from './guard.js';
import { html, type Html } from './html.js';
import { sendPage, seeOther } from './layout.js';

function passkeyTable(passkeys: readonly Passkey[]): Html {
  if (passkeys.length === 0) return html`<p>You have no passkeys yet.</p>`;
  return html`<table>
    <tr>
      <th>Passkey</th>
      <th>Origin</th>
    </tr>
    ${passkeys.map(
      ({ credentialId, origin }) =>
        html`<tr>
          <td><code>${credentialId.slice(0, 12)}…</code></td>
          <td>${origin}</td>
        </tr>`
    )}
  </table>`;
}

/** Explains how a new passkey becomes valid. A demo custodian signs the roster itself, so its passkeys are valid at once. */
function pendingRosterView(party: string): Html {
  return html`<h2>Waiting for the root key</h2>
    <p>
      A new passkey becomes valid when the root key of ${party} has signed a roster that lists it. Send
      <a href="/passkeys/roster.json" download>this roster</a> to the person who keeps that key. They run:
    </p>
    <pre>
clean-room roster sign roster.json --key ROOT_KEY_FILE --out signed.json
clean-room roster publish signed.json</pre>`;
}

async function passkeysPage(context: CustodianContext, session: SignInSession): Promise<Html> {
  const { id, challenge } = await createChallenge(context, 'enrol', session.person.id);
  const options = JSON.stringify(await registrationOptions(context, session.person, challenge));
  const pending = await nextRoster(context);
  return html`<h1>Your passkeys</h1>
    ${passkeyTable(session.person.passkeys)}
    <form method="post" action="/passkeys" data-passkey="create" data-options="${options}">
      <input type="hidden" name="csrf" value="${session.csrfToken}" /><input
        type="hidden"
        name="challenge"
        value="${id}"
      />
      <input type="hidden" name="passkey" value="" />
      <div class="actions"><button class="primary">Add a passkey</button></div>
      <p data-message role="alert"></p>
    </form>
    ${pending === undefined ? html`` : pendingRosterView(context.config.party)}`;
}

/** Adds the pages on which reviewers see and add their passkeys. */
export function addPasskeyPages(app: App, context: CustodianContext): void {
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
    if (next === undefined) {
      throw new CleanRoomError('not-found', 'The newest roster already lists all passkeys.');
    }
    return reply
      .header('cache-control', 'no-store')
      .header('content-disposition', 'attachment; filename="roster.json"')
      .type('application/json')
      .send(Buffer.from(Roster.write(next)));
  });

  app.post<{ Body: URLSearchParams }>('/passkeys', { schema: { hide: true } }, async (request, reply) => {
    const { person } = await requireOwnForm(context, request, request.body);
    const challenge = await useChallenge(context, request.body.get('challenge') ?? '', 'enrol', person.id);
    const passkey = await readRegistration(context, readNewPasskey(request.body), challenge);
    await enrol(context, person.id, passkey);
    return seeOther(reply, '/passkeys');
  });
}

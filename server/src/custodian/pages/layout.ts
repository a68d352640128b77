import type { FastifyReply } from 'fastify';
import type { CustodianContext } from '../context.js';
import type { SignInSession } from '../sign-in/sessions.js';
import { html, type Html } from './html.js';

/** The content of one page. */
export interface PageContent {
  readonly title: string;
  readonly body: Html;
  /** The reviewer who is signed in. */
  readonly session?: SignInSession;
  /** The HTTP status, 200 by default. */
  readonly status?: number;
}

function navigation({ person, csrfToken }: SignInSession): Html {
  return html`<nav aria-label="Pages"><a href="/">Waiting for you</a><a href="/passkeys">Passkeys</a></nav>
    <span class="who">${person.name}</span>
    <form method="post" action="/sign-out">
      <input type="hidden" name="csrf" value="${csrfToken}" /><button>Sign out</button>
    </form>`;
}

/** Returns a whole HTML document. Its script and style sheet come only from this origin. */
function document({ config }: CustodianContext, { title, body, session }: PageContent): string {
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · custodian of ${config.party}</title>
        <link rel="stylesheet" href="/style.css" />
        <script type="module" src="/passkey.js"></script>
      </head>
      <body>
        <header class="bar">
          <strong>Custodian of ${config.party}</strong>
          ${
            config.hosting === 'co-hosted'
              ? html`<span class="mark">CO-HOSTED: shares a host with the coordinator</span>`
              : html``
          }
          ${
            config.demo === undefined
              ? html``
              : html`<span class="mark">DEMO: people sign in without proof</span>`
          }
          ${session === undefined ? html`` : navigation(session)}
        </header>
        <main>${body}</main>
      </body>
    </html> `;
  return whole.text;
}

/** Sends a page. Browsers and proxies must not store it. */
export function sendPage(context: CustodianContext, reply: FastifyReply, content: PageContent): FastifyReply {
  return reply
    .status(content.status ?? 200)
    .header('cache-control', 'no-store')
    .type('text/html; charset=utf-8')
    .send(document(context, content));
}

/** Redirects the browser after a form was sent, so that reloading the next page does not send the form again. */
export function seeOther(reply: FastifyReply, location: string): FastifyReply {
  return reply.status(303).header('location', location).send();
}

import { html, type Html } from './html.js';

export interface PageFrame {
  readonly title: string;
  /** The provider whose custodian this is. */
  readonly party: string;
  readonly demo: boolean;
  readonly coHosted: boolean;
  readonly person?: { readonly name: string; readonly csrf: string };
  readonly body: Html;
}

/** A whole page. Scripts and styles come from this origin alone. */
export function page({ title, party, demo, coHosted, person, body }: PageFrame): string {
  const signedIn =
    person === undefined
      ? html``
      : html`<nav aria-label="Pages"><a href="/">Waiting for you</a><a href="/passkeys">Passkeys</a></nav>
          <span class="who">${person.name}</span>
          <form method="post" action="/sign-out">
            <input type="hidden" name="csrf" value="${person.csrf}" /><button>Sign out</button>
          </form>`;
  const whole = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · custodian of ${party}</title>
        <link rel="stylesheet" href="/style.css" />
        <script type="module" src="/passkey.js"></script>
      </head>
      <body>
        <header class="bar">
          <strong>Custodian of ${party}</strong>
          ${coHosted ? html`<span class="mark">CO-HOSTED: it runs on the operator’s host</span>` : html``}
          ${demo ? html`<span class="mark">DEMO: people are taken at their word</span>` : html``} ${signedIn}
        </header>
        <main>${body}</main>
      </body>
    </html> `;
  return whole.text;
}

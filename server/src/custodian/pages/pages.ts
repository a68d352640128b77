import { readFile } from 'node:fs/promises';
import type { CleanRoomError, ErrorCode } from '@clean-room/protocol/errors';
import { buildApp, type App } from '../../platform/http/app.js';
import { asCleanRoomError, toProblem } from '../../platform/http/problems.js';
import { HTTP_STATUS } from '../../platform/http/status.js';
import type { CustodianContext } from '../context.js';
import { sendPage, seeOther } from './answer.js';
import { addApprovalPages } from './approvals.js';
import { requireHost } from './guard.js';
import { html, type Html } from './html.js';
import { addPeoplePages } from './people.js';
import { addQueuePage } from './queue.js';

const FORM_BYTES = 64 * 1024;

function troubleView(error: CleanRoomError, reference: string): Html {
  return html`<h1>That did not work</h1>
    <p>${error.message}</p>
    ${error.remedy === undefined ? html`` : html`<p>${error.remedy}</p>`}
    <p class="soft">Reference ${reference}</p>
    <p><a href="/">Back to what waits for you</a></p>`;
}

const STATIC: Readonly<Record<string, string>> = {
  '/style.css': 'text/css; charset=utf-8',
  '/passkey.js': 'text/javascript; charset=utf-8'
};

async function addStatic(app: App): Promise<void> {
  for (const [place, type] of Object.entries(STATIC)) {
    const bytes = await readFile(new URL(`../../../static/custodian${place}`, import.meta.url));
    app.get(place, { schema: { hide: true } }, async (_request, reply) => reply.type(type).send(bytes));
  }
}

const SIGN_IN: readonly ErrorCode[] = ['unauthenticated'];

/** Pages answer with pages, failures included; who is not signed in is led to where that is done. */
function addPages(app: App, context: CustodianContext): void {
  app.setErrorHandler(async (error, request, reply) => {
    const failure = asCleanRoomError(error);
    if (request.method === 'GET' && SIGN_IN.includes(failure.code)) {
      return seeOther(reply, `/sign-in?to=${encodeURIComponent(request.url.split('?', 1)[0] ?? '/')}`);
    }
    const status = HTTP_STATUS[failure.code];
    if (status >= 500) request.log.error({ err: error, code: failure.code }, 'page failed');
    if (request.headers['content-type'] === 'application/json') {
      return reply.status(status).type('application/json').send(toProblem(failure, request.id));
    }
    return sendPage(context, reply, { title: 'Trouble', body: troubleView(failure, request.id), status });
  });
  addQueuePage(app, context);
  addPeoplePages(app, context);
  addApprovalPages(app, context);
}

/**
 * The custodian's own pages, on its own origin: plain HTML written here, one style sheet and one small script of this
 * origin, and nothing of anyone else's.
 */
export async function buildPages(context: CustodianContext, version: string): Promise<App> {
  const app = await buildApp({
    title: `Custodian of ${context.config.party}`,
    version,
    logLevel: context.config.logLevel,
    requestsPerMinute: 600,
    bodyLimit: FORM_BYTES,
    checks: {
      database: () => context.db.selectFrom('log_head').select('size').execute(),
      coordinator: () => context.log.advance()
    },
    contentSecurityPolicy: {
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      formAction: ["'self'"],
      requireTrustedTypesFor: ["'script'"],
      trustedTypes: ["'none'"]
    }
  });
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string' },
    (_request, body, done) => done(null, new URLSearchParams(String(body)))
  );
  app.addHook('onRequest', async request => {
    if (request.url !== '/healthz') requireHost(context, request);
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    void reply
      .header('x-frame-options', 'DENY')
      .header('cross-origin-resource-policy', 'same-origin')
      // With `no-referrer` a browser would not say of a form which origin it comes from.
      .header('referrer-policy', 'same-origin');
    return payload;
  });
  await app.register(async pages => {
    addPages(pages as App, context);
    await addStatic(pages as App);
  });
  return app;
}

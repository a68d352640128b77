import { readFile } from 'node:fs/promises';
import type { CleanRoomError } from '@clean-room/protocol/errors';
import { buildApp, type App } from '../../platform/http/app.js';
import { asCleanRoomError, toProblem } from '../../platform/http/problems.js';
import { HTTP_STATUS } from '../../platform/http/status.js';
import type { CustodianContext } from '../context.js';
import { provisioningRoutes } from '../provisioning/routes.js';
import { addApprovalPages } from './approvals.js';
import { requireHost } from './guard.js';
import { html, type Html } from './html.js';
import { sendPage, seeOther } from './layout.js';
import { addPasskeyPages } from './passkeys.js';
import { addQueuePage } from './queue.js';
import { addSignInPages } from './sign-in.js';

const MAX_FORM_BYTES = 64 * 1024;

function errorView(error: CleanRoomError, reference: string): Html {
  return html`<h1>That did not work</h1>
    <p>${error.message}</p>
    ${error.remedy === undefined ? html`` : html`<p>${error.remedy}</p>`}
    <p class="soft">Reference ${reference}</p>
    <p><a href="/">Back to the list</a></p>`;
}

/** The static files and their types. */
const STATIC_FILES: Readonly<Record<string, string>> = {
  '/style.css': 'text/css; charset=utf-8',
  '/passkey.js': 'text/javascript; charset=utf-8'
};

async function addStaticFiles(app: App): Promise<void> {
  for (const [file, type] of Object.entries(STATIC_FILES)) {
    const bytes = await readFile(new URL(`../../../static/custodian${file}`, import.meta.url));
    app.get(file, { schema: { hide: true } }, async (_request, reply) => reply.type(type).send(bytes));
  }
}

/** Adds all pages. Errors are shown as pages too, and a person who is not signed in is sent to the sign-in page. */
function addPages(app: App, context: CustodianContext): void {
  app.setErrorHandler(async (error, request, reply) => {
    const failure = asCleanRoomError(error);
    if (request.method === 'GET' && failure.code === 'unauthenticated') {
      return seeOther(reply, `/sign-in?to=${encodeURIComponent(request.url.split('?', 1)[0] ?? '/')}`);
    }
    const status = HTTP_STATUS[failure.code];
    if (status >= 500) request.log.error({ err: error, code: failure.code }, 'the page could not be shown');
    if (request.headers['content-type'] === 'application/json') {
      return reply.status(status).type('application/json').send(toProblem(failure, request.id));
    }
    return sendPage(context, reply, { title: 'Error', body: errorView(failure, request.id), status });
  });
  addQueuePage(app, context);
  addSignInPages(app, context);
  addPasskeyPages(app, context);
  addApprovalPages(app, context);
}

/**
 * Builds the web application with the custodian's pages: plain HTML with one style sheet and one small script, all from its own
 * origin. Nothing is loaded from other origins.
 *
 * @param version - the program's version, for health checks
 */
export async function buildPages(context: CustodianContext, version: string): Promise<App> {
  const app = await buildApp({
    title: `Custodian of ${context.config.party}`,
    version,
    logLevel: context.config.logLevel,
    requestsPerMinute: 600,
    bodyLimit: MAX_FORM_BYTES,
    checks: {
      database: () => context.db.selectFrom('tree_head').select('size').execute(),
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
      // With `no-referrer`, browsers would not send a form's origin, which requireOwnOrigin checks.
      .header('referrer-policy', 'same-origin');
    return payload;
  });
  await app.register(async api => provisioningRoutes(api, context));
  await app.register(async pages => {
    addPages(pages, context);
    await addStaticFiles(pages);
  });
  return app;
}

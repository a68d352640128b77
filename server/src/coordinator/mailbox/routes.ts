import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { once } from '../idempotency/once.js';
import { answerKeyRequest, askForToken, listKeyRequests, saveReady } from './custodian.js';

/** Adds the routes by which custodians read and answer key requests. */
export function mailboxRoutes(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.listKeyRequests, async (_call, caller) => ({
    items: await listKeyRequests(context, caller.party)
  }));

  mountFor(app, context, routes.askForToken, async ({ params, body, request }, caller) => {
    await once(context, caller, request, unit =>
      askForToken(unit, caller.party, params.request, body.tokensWanted)
    );
    return undefined;
  });

  mountFor(app, context, routes.declareReady, async ({ params, body, request }, caller) => {
    await once(context, caller, request, unit => saveReady(unit, caller.party, params.request, body.ready));
    return undefined;
  });

  mountFor(app, context, routes.answerKeyRequest, async ({ params, body, request }, caller) => {
    await once(context, caller, request, unit => answerKeyRequest(unit, caller.party, params.request, body));
    return undefined;
  });
}

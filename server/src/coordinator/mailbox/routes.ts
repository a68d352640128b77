import * as api from '../../client/coordinator/jobs.js';
import type { App } from '../../platform/http/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';
import { once } from '../idempotency/once.js';
import { answerRequest, requestsFor } from './mailbox.js';

export function mailboxRoutes(app: App, context: Context): void {
  mountFor(app, context, api.listKeyRequests, async (_call, caller) => ({
    items: await requestsFor(context, caller.party)
  }));

  mountFor(app, context, api.answerKeyRequest, async ({ params, body, request }, caller) => {
    await once(context, caller, request, unit => answerRequest(unit, caller.party, params.request, body));
    return undefined;
  });
}

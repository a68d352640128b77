import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { once } from '../idempotency/once.js';
import { answerKeyRequest, listKeyRequests } from './mailbox.js';

/** Adds the routes by which custodians read and answer key requests. */
export function mailboxRoutes(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.listKeyRequests, async (_call, caller) => ({
    items: await listKeyRequests(context, caller.party)
  }));

  mountFor(app, context, routes.answerKeyRequest, async ({ params, body, request }, caller) => {
    await once(context, caller, request, unit => answerKeyRequest(unit, caller.party, params.request, body));
    return undefined;
  });
}

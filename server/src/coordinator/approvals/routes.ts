import { CleanRoomError } from '@clean-room/protocol/errors';
import { Approval, simulationOnlyReason } from '@clean-room/protocol/approvals';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { requireCustodian, requireRole } from '../access/caller.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { once } from '../idempotency/once.js';
import { requireConcerned, requireOwn } from '../submissions/find.js';
import { approve } from './approve.js';
import { reject, requestChanges, withdraw } from './end-revision.js';

/** Adds the routes by which providers decide about revisions, and researchers withdraw them. */
export function approvalRoutes(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.approve, async ({ params, body, request }, caller) => {
    const { party } = requireCustodian(caller);
    await requireConcerned(context.db, caller, params.id);
    const reason = simulationOnlyReason(Approval.peek(body.envelope).value);
    if (context.services.config.mode === 'production' && reason !== undefined) {
      throw new CleanRoomError('approval-invalid', `Production does not accept this approval: ${reason}.`, {
        remedy: 'Approve with a passkey, on the page of a custodian that runs apart from the coordinator.'
      });
    }
    return once(context, caller, request, unit => approve(unit, party, params.id, body));
  });

  mountFor(app, context, routes.requestChanges, async ({ params, body, request }, caller) => {
    if (caller.kind === 'person') requireRole(caller, 'reviewer');
    await requireConcerned(context.db, caller, params.id);
    return once(context, caller, request, unit => requestChanges(unit, caller, params.id, body.reason));
  });

  mountFor(app, context, routes.reject, async ({ params, body, request }, caller) => {
    if (caller.kind === 'person') requireRole(caller, 'reviewer');
    await requireConcerned(context.db, caller, params.id);
    return once(context, caller, request, unit => reject(unit, caller, params.id, body.reason));
  });

  mountFor(app, context, routes.withdraw, async ({ params, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    await requireOwn(context.db, caller, params.id);
    return once(context, caller, request, unit => withdraw(unit, researcher, params.id));
  });
}

import { CleanRoomError } from '@clean-room/protocol/errors';
import { Approval } from '@clean-room/protocol/approvals';
import * as api from '../../client/coordinator/submissions.js';
import type { App } from '../../platform/http/index.js';
import { requireCustodian, requireRole } from '../access/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';
import { once } from '../idempotency/once.js';
import { requireConcerned, requireOwn } from '../submissions/find.js';
import { approve } from './approve.js';
import { reject, requestChanges, withdraw } from './refuse.js';

export function approvalRoutes(app: App, context: Context): void {
  mountFor(app, context, api.approve, async ({ params, body, request }, caller) => {
    const { party } = requireCustodian(caller);
    await requireConcerned(context.db, caller, params.id);
    if (context.parts.config.mode === 'production' && Approval.peek(body.envelope).value.unattended) {
      throw new CleanRoomError('approval-invalid', 'Production takes no approval without a passkey.');
    }
    return once(context, caller, request, unit => approve(unit, party, params.id, body));
  });

  mountFor(app, context, api.requestChanges, async ({ params, body, request }, caller) => {
    if (caller.kind === 'person') requireRole(caller, 'reviewer');
    await requireConcerned(context.db, caller, params.id);
    return once(context, caller, request, unit => requestChanges(unit, caller, params.id, body.reason));
  });

  mountFor(app, context, api.reject, async ({ params, body, request }, caller) => {
    if (caller.kind === 'person') requireRole(caller, 'reviewer');
    await requireConcerned(context.db, caller, params.id);
    return once(context, caller, request, unit => reject(unit, caller, params.id, body.reason));
  });

  mountFor(app, context, api.withdraw, async ({ params, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    await requireOwn(context.db, caller, params.id);
    return once(context, caller, request, unit => withdraw(unit, researcher, params.id));
  });
}

import { WORKSPACE_LIMITS } from '@clean-room/protocol/packaging';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import type { Caller } from '../access/caller.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { grant, requireReadable } from './grants.js';
import { deliver, receive } from './transfer.js';

/** Datasets are large, and provisioned by custodians and stewards; files of a workspace are not. */
function limitFor(context: CoordinatorContext, caller: Caller): number {
  const large = caller.kind === 'custodian' || caller.roles.includes('steward');
  return large ? context.services.config.limits.assetBytes : WORKSPACE_LIMITS.bytesPerFile;
}

export function objectRoutes(app: App, context: CoordinatorContext): void {
  const { objects } = context.services;
  mountFor(app, context, routes.putObject, async ({ params, request }, caller) => {
    const bytes = await receive(objects, params.digest, request, limitFor(context, caller));
    await grant(context.db, [params.digest], [caller.party], new Date());
    return { bytes };
  });

  mountFor(app, context, routes.getObject, async ({ params, reply }, caller) => {
    await requireReadable(context.db, params.digest, caller.party);
    return deliver(objects, params.digest, reply);
  });
}

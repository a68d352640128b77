import { WORKSPACE_LIMITS } from '@clean-room/protocol/packaging';
import * as api from '../../client/coordinator/objects.js';
import type { App } from '../../platform/http/index.js';
import type { Caller } from '../access/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';
import { grant, requireReadable } from './grants.js';
import { deliver, receive } from './transfer.js';

/** Datasets are large, and provisioned by custodians and stewards; files of a workspace are not. */
function limitFor(context: Context, caller: Caller): number {
  const large = caller.kind === 'custodian' || caller.roles.includes('steward');
  return large ? context.parts.config.limits.assetBytes : WORKSPACE_LIMITS.bytesPerFile;
}

export function objectRoutes(app: App, context: Context): void {
  const { objects } = context.parts;
  mountFor(app, context, api.putObject, async ({ params, request }, caller) => {
    const bytes = await receive(objects, params.digest, request, limitFor(context, caller));
    await grant(context.db, [params.digest], [caller.party], new Date());
    return { bytes };
  });

  mountFor(app, context, api.getObject, async ({ params, reply }, caller) => {
    await requireReadable(context.db, params.digest, caller.party);
    return deliver(objects, params.digest, reply);
  });
}

import { WORKSPACE_LIMITS } from '@clean-room/protocol/packaging';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import type { Caller } from '../access/caller.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { grantObjects, requireReadable } from './grants.js';
import { receiveObject, sendObject } from './transfer.js';

/** Returns the maximum size of an upload. Custodians and stewards upload datasets, all others only workspace files. */
function uploadLimit(context: CoordinatorContext, caller: Caller): number {
  const uploadsDatasets = caller.kind === 'custodian' || caller.roles.includes('steward');
  return uploadsDatasets ? context.services.config.limits.assetBytes : WORKSPACE_LIMITS.bytesPerFile;
}

/** Adds the routes for uploading and downloading objects. */
export function objectRoutes(app: App, context: CoordinatorContext): void {
  const { objects } = context.services;
  mountFor(app, context, routes.putObject, async ({ params, request }, caller) => {
    const bytes = await receiveObject(objects, params.digest, request, uploadLimit(context, caller));
    await grantObjects(context.db, [params.digest], [caller.party], new Date());
    return { bytes };
  });

  mountFor(app, context, routes.getObject, async ({ params, reply }, caller) => {
    await requireReadable(context.db, params.digest, caller.party);
    return sendObject(objects, params.digest, reply);
  });
}

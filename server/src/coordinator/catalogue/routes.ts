import { toBase64 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { requireRole } from '../access/caller.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { once } from '../idempotency/once.js';
import { pageRequest } from '../../platform/http/paging.js';
import { assetsFor, checkAsset, publishAsset, withdrawAsset } from './assets.js';
import { machinesFor } from './machines.js';

const ASSET_KEY = /^[a-z0-9-]{1,39}\/[a-z0-9_-]{1,63}$/;

/** Adds the routes for assets and kernel images. */
export function catalogueRoutes(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.listAssets, async ({ query }, caller) =>
    assetsFor(context.db, caller.party, pageRequest(query, ASSET_KEY))
  );

  mountFor(app, context, routes.publishAsset, async ({ body, request }, caller) => {
    if (caller.kind === 'person') requireRole(caller, 'steward');
    const checked = await checkAsset(context, caller.party, body.version, body.policy);
    return once(context, caller, request, async unit => {
      await publishAsset(unit, caller.party, checked);
      return { versionDigest: checked.version.digest, policyDigest: checked.policy.digest };
    });
  });

  mountFor(app, context, routes.withdrawAsset, async ({ params }, caller) => {
    await context.transact(unit => withdrawAsset(unit, caller.party, params.dataset));
    return undefined;
  });

  mountFor(app, context, routes.listMachines, async ({ query }, caller) => {
    const names = (query.assets ?? '').split(',').filter(name => name !== '');
    return { items: await machinesFor(context, caller.party, names) };
  });

  mountFor(app, context, routes.listKernelImages, async () => ({
    items: context.services.kernelImages.all().map(({ digest, name, statement, manifest, config }) => ({
      digest,
      name,
      statement,
      manifest: toBase64(manifest),
      config: toBase64(config)
    }))
  }));
}

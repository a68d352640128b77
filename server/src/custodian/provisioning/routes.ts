import type { Readable } from 'node:stream';
import { routes } from '@clean-room/api/custodian';
import type { App } from '../../platform/http/app.js';
import type { CustodianContext } from '../context.js';
import { datasetState, newestDatasets, withdrawDataset } from './datasets.js';
import { reservePrivacy, settleReservation } from './ledger.js';
import { publishDataset } from './publish.js';
import { keepJsonBodies, mountForSteward } from './steward.js';

/** The maximum size of an upload. */
const MAX_UPLOAD_BYTES = 2 ** 40;

/** Adds the API with which stewards provision data. Each request is signed by a steward. */
export function provisioningRoutes(app: App, context: CustodianContext): void {
  keepJsonBodies(app);
  mountForSteward(app, context, routes.listDatasets, async () => ({
    items: await Promise.all((await newestDatasets(context)).map(asset => datasetState(context, asset)))
  }));
  mountForSteward(app, context, routes.reservePrivacy, async ({ body }, steward) =>
    reservePrivacy(context, steward.id, body)
  );
  mountForSteward(app, context, routes.spendPrivacy, async ({ params }) =>
    settleReservation(context, params.id, 'spent')
  );
  mountForSteward(app, context, routes.returnPrivacy, async ({ params }) =>
    settleReservation(context, params.id, 'returned')
  );
  mountForSteward(app, context, routes.uploadDataset, async ({ params, request }) => ({
    bytes: await context.objects.put(params.digest, request.body as Readable, MAX_UPLOAD_BYTES)
  }));
  mountForSteward(app, context, routes.publishDataset, async ({ params, body }) =>
    datasetState(context, await publishDataset(context, params.dataset, body))
  );
  mountForSteward(app, context, routes.withdrawDataset, async ({ params }) =>
    datasetState(context, await withdrawDataset(context, params.dataset))
  );
}

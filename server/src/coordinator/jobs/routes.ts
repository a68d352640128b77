import { Spec } from '@clean-room/protocol/submissions';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { mount } from '../../platform/http/mount.js';
import type { CoordinatorContext } from '../context.js';
import { awaitReply, saveKeyRequest } from '../mailbox/mailbox.js';
import { receiveObject, sendObject } from '../objects/transfer.js';
import { acceptResult } from '../results/accept.js';
import { jobDocument } from './document.js';
import { findJob, findOpenJob } from './find.js';
import { saveProgress } from './progress.js';

/** How long a request waits for an answer in the mailbox, in milliseconds. */
const REPLY_TIMEOUT_MS = 5000;
/** Maximum number of outputs per attempt: the notebook, and a copy for each reviewing custodian. */
const MAX_OBJECTS = 100;

function mountJobObjects(app: App, context: CoordinatorContext): void {
  mount(app, routes.getJobObject, async ({ params, reply }) => {
    const { revision } = await findOpenJob(context.db, params.job);
    const versions = Spec.read(revision.spec).value.assets.map(asset => asset.version);
    const sealed =
      versions.length === 0
        ? undefined
        : await context.db
            .selectFrom('asset_version')
            .select('sealed_digest')
            .where('digest', 'in', versions)
            .where('sealed_digest', '=', params.digest)
            .executeTakeFirst();
    if (sealed === undefined) throw new CleanRoomError('not-found', 'This job does not contain the object.');
    return sendObject(context.services.objects, params.digest, reply);
  });

  mount(app, routes.putJobObject, async ({ params, request }) => {
    const { attempt } = await findOpenJob(context.db, params.job);
    const { count } = await context.db
      .selectFrom('job_object')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('attempt', '=', attempt)
      .executeTakeFirstOrThrow();
    if (count >= MAX_OBJECTS) {
      throw new CleanRoomError('too-large', 'This job has uploaded too many objects.');
    }
    const limit = context.services.config.limits.outputBytes;
    const bytes = await receiveObject(context.services.objects, params.digest, request, limit);
    await context.db
      .insertInto('job_object')
      .values({ attempt, digest: params.digest, bytes })
      .onConflict(conflict => conflict.doNothing())
      .execute();
    return { bytes };
  });
}

/**
 * Adds the routes for supervisors. The job's token in the address is the only credential; everything that it gives access to
 * is sealed or public.
 */
export function jobRoutes(app: App, context: CoordinatorContext): void {
  mountJobObjects(app, context);

  mount(app, routes.getJob, async ({ params }) =>
    jobDocument(context, params.job, await findOpenJob(context.db, params.job))
  );

  mount(app, routes.postProgress, async ({ params, body }) => {
    const job = await findJob(context.db, params.job);
    await context.transact(unit => saveProgress(unit, job, body));
    return undefined;
  });

  mount(app, routes.postKeyRequest, async ({ params, body }) => {
    const job = await findOpenJob(context.db, params.job);
    return { request: await context.transact(unit => saveKeyRequest(unit, job, body)) };
  });

  mount(app, routes.getKeyReply, async ({ params, reply }) => {
    const { attempt } = await findOpenJob(context.db, params.job);
    const found = await awaitReply(context, attempt, params.request, REPLY_TIMEOUT_MS);
    return found ?? reply.status(204).send();
  });

  mount(app, routes.postResults, async ({ params, body }) => {
    const job = await findJob(context.db, params.job);
    await context.transact(unit => acceptResult(context, unit, job, body));
    return undefined;
  });
}

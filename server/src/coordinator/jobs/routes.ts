import { CleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { ResponseOf, RouteDefinition } from '@clean-room/api';
import type { App } from '../../platform/http/app.js';
import { mount, type RouteCall } from '../../platform/http/mount.js';
import type { CoordinatorContext } from '../context.js';
import { awaitMailbox, saveKeyRequest, saveKeyRequestToken } from '../mailbox/supervisor.js';
import { receiveObject, sendObject } from '../objects/transfer.js';
import { acceptResult, verifyResult } from '../results/accept.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { jobDocument } from './document.js';
import { findJob, requireOpen, type Job } from './find.js';
import { saveProgress } from './progress.js';
import { handleOnce, hashBodies, recordRead, verifyAttemptRequest } from './proven-request.js';
import { registerAttempt } from './register.js';
import { readGrant } from './transfer-grants.js';
import { acceptUploads, createTransfer, recordStored, recordTransfer } from './transfers.js';

/** How long a request waits for a change of the mailbox, in milliseconds. */
const MAILBOX_TIMEOUT_MS = 5000;

type JobRoute = RouteDefinition & { readonly callers: readonly ['supervisor'] };
type JobCall<D extends RouteDefinition> = RouteCall<D> & { readonly params: { readonly job: string } };

/** Adds a route that changes something. Each request of an attempt is handled once. */
function mountOnce<D extends JobRoute>(
  app: App,
  context: CoordinatorContext,
  route: D,
  work: (unit: UnitOfWork, job: Job, call: JobCall<D>) => Promise<ResponseOf<D>>
): void {
  mount(app, route, async call => {
    const jobCall = call as JobCall<D>;
    const request = await verifyAttemptRequest(context, jobCall.params.job, call.request);
    return handleOnce(context, request, (unit, job) => work(unit, job, jobCall));
  });
}

/** Adds a route that only reads. */
function mountRead<D extends JobRoute>(
  app: App,
  context: CoordinatorContext,
  route: D,
  read: (job: Job, call: JobCall<D>) => Promise<ResponseOf<D>>
): void {
  mount(app, route, async call => {
    const jobCall = call as JobCall<D>;
    const request = await verifyAttemptRequest(context, jobCall.params.job, call.request);
    requireOpen(request.job);
    await recordRead(context, request);
    return read(request.job, jobCall);
  });
}

function mountTransfers(app: App, context: CoordinatorContext): void {
  const { objects, secrets, config } = context.services;
  mount(app, routes.downloadTransfer, async ({ params, request, reply }) => {
    const { attempt, digest } = readGrant(secrets, params.grant, 'download');
    requireOpen(await findJob(context.db, attempt));
    return sendObject(objects, digest, reply, request.headers.range);
  });
  mount(app, routes.uploadTransfer, async ({ params, request }) => {
    const { attempt, digest, bytes } = readGrant(secrets, params.grant, 'upload');
    requireOpen(await findJob(context.db, attempt));
    const received = await receiveObject(objects, digest, request, config.limits.outputBytes);
    if (received !== bytes) {
      throw new CleanRoomError('digest-mismatch', 'The upload has another length than its address says.');
    }
    await recordStored(context.db, attempt, { digest, bytes });
    return { bytes };
  });
}

/**
 * Adds the routes for supervisors. A supervisor registers its attempt key with an attestation token, and proves every later
 * request with the secret that it receives.
 */
export function jobRoutes(app: App, context: CoordinatorContext): void {
  mountTransfers(app, context);
  mount(app, routes.registerAttempt, ({ params, body }) => registerAttempt(context, params.job, body));
  void app.register((scope: App, _options, done) => {
    hashBodies(scope);
    mountAttemptRoutes(scope, context);
    done();
  });
}

function mountAttemptRoutes(app: App, context: CoordinatorContext): void {
  mountRead(app, context, routes.getJob, job => jobDocument(context, job));
  mountRead(app, context, routes.getMailbox, (job, { query }) =>
    awaitMailbox(context, job.attempt, query.after, MAILBOX_TIMEOUT_MS)
  );
  mountOnce(app, context, routes.postProgress, async (unit, job, { body }) => {
    await saveProgress(unit, job, body);
    return undefined;
  });
  mountOnce(app, context, routes.postKeyRequest, async (unit, job, { body }) => {
    requireOpen(job);
    return { request: await saveKeyRequest(unit, job, body) };
  });
  mountOnce(app, context, routes.postKeyRequestToken, async (unit, job, { params, body }) => {
    requireOpen(job);
    await saveKeyRequestToken(unit, job, params.request, body.token);
    return undefined;
  });
  mount(app, routes.createTransfer, async ({ params, body, request }) => {
    const sent = await verifyAttemptRequest(context, params.job, request);
    requireOpen(sent.job);
    // Before the transaction, because signing an address takes long.
    const address = await createTransfer(context, sent.job, body);
    return handleOnce(context, sent, async (unit, job) => {
      requireOpen(job);
      await recordTransfer(context, unit.trx, job, body);
      return address;
    });
  });
  mount(app, routes.postResults, async ({ params, body, request }) => {
    const sent = await verifyAttemptRequest(context, params.job, request);
    // Before the transaction, because verifying signatures and reading outputs takes long.
    await verifyResult(context, sent.job, body);
    await acceptUploads(context, sent.job, body);
    await handleOnce(context, sent, (unit, job) => acceptResult(context, unit, job, body));
    return undefined;
  });
}

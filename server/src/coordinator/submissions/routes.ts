import { fromBase64 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSpec, Spec } from '@clean-room/protocol/submissions';
import { routes } from '@clean-room/api/coordinator';
import type { App } from '../../platform/http/app.js';
import { requirePerson, requireRole } from '../access/caller.js';
import { mountFor } from '../access/mount.js';
import type { CoordinatorContext } from '../context.js';
import { once } from '../idempotency/once.js';
import { composeSubmissionImage } from '../images/compose.js';
import { withoutGrant } from '../objects/grants.js';
import { sendObject } from '../objects/transfer.js';
import { pageRequest } from '../../platform/http/paging.js';
import { ID_PATTERN } from '../../platform/ids.js';
import { checkSubmission } from './check.js';
import { addComment } from './comments.js';
import { requireConcerned, requireOwn, revisionAt } from './find.js';
import { createRevision, createSubmission } from './submit.js';
import { listSubmissions, submissionView } from './views.js';

const ID = new RegExp(ID_PATTERN);

function mountChanges(app: App, context: CoordinatorContext): void {
  mountFor(app, context, routes.createSubmission, async ({ body, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    const checked = await checkSubmission(context, researcher, fromBase64(body.spec), body.request);
    return once(context, caller, request, unit => createSubmission(unit, researcher, checked));
  });

  mountFor(app, context, routes.createRevision, async ({ params, body, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    await requireOwn(context.db, caller, params.id);
    const checked = await checkSubmission(context, researcher, fromBase64(body.spec), body.request);
    return once(context, caller, request, unit => createRevision(unit, researcher, params.id, checked));
  });

  mountFor(app, context, routes.composeImage, async ({ body }, caller) => {
    requireRole(caller, 'researcher');
    const spec = readSpec(fromBase64(body.spec));
    const files = spec.value.workspace.map(file => file.digest);
    const [missing] = await withoutGrant(context.db, files, caller.party);
    if (missing !== undefined) {
      throw new CleanRoomError('not-found', `The file ${missing} has not been uploaded.`, {
        remedy: 'Upload every file of the workspace first.'
      });
    }
    return { image: (await composeSubmissionImage(context.services, spec)).imageDigest, spec: spec.digest };
  });

  mountFor(app, context, routes.addComment, async ({ params, body, request }, caller) => {
    const person = requirePerson(caller);
    await requireConcerned(context.db, caller, params.id);
    return once(context, caller, request, unit => addComment(unit, person, params.id, body.text));
  });
}

/** Adds the routes for submissions, their revisions and comments. */
export function submissionRoutes(app: App, context: CoordinatorContext): void {
  mountChanges(app, context);

  mountFor(app, context, routes.listSubmissions, async ({ query }, caller) =>
    listSubmissions(context.db, caller.party, pageRequest(query, ID), query.waitingFor !== undefined)
  );

  mountFor(app, context, routes.getSubmission, async ({ params }, caller) => {
    await requireConcerned(context.db, caller, params.id);
    return submissionView(context.db, params.id);
  });

  mountFor(app, context, routes.getFile, async ({ params, reply }, caller) => {
    await requireConcerned(context.db, caller, params.id);
    const { spec } = await revisionAt(context.db, params.id, params.number);
    const file = Spec.read(spec).value.workspace.find(({ path }) => path === params['*']);
    if (file === undefined)
      throw new CleanRoomError('not-found', 'The workspace of this revision does not contain this file.');
    return sendObject(context.services.objects, file.digest, reply);
  });

  mountFor(app, context, routes.compareImage, async ({ params }, caller) => {
    await requireConcerned(context.db, caller, params.id);
    const revision = await revisionAt(context.db, params.id, params.number);
    const { imageDigest } = await composeSubmissionImage(context.services, Spec.read(revision.spec));
    return {
      submitted: revision.image_digest,
      rebuilt: imageDigest,
      equal: revision.image_digest === imageDigest
    };
  });
}

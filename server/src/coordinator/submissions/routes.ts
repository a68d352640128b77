import { fromBase64 } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSpec, Spec } from '@clean-room/protocol/submissions';
import * as api from '../../client/coordinator/submissions.js';
import type { App } from '../../platform/http/index.js';
import { requirePerson, requireRole } from '../access/index.js';
import { mountFor } from '../access/mount.js';
import type { Context } from '../context.js';
import { once } from '../idempotency/once.js';
import { composeImage } from '../images/compose.js';
import { withoutGrant } from '../objects/grants.js';
import { deliver } from '../objects/transfer.js';
import { pageRequest } from '../paging.js';
import { checkSubmission } from './check.js';
import { addComment } from './comments.js';
import { requireConcerned, requireOwn, revisionAt } from './find.js';
import { createRevision, createSubmission } from './submit.js';
import { listSubmissions, submissionView } from './views.js';

const ID = /^[0-9a-hjkmnp-tv-z]{26}$/;

function writing(app: App, context: Context): void {
  mountFor(app, context, api.createSubmission, async ({ body, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    const checked = await checkSubmission(context, researcher, fromBase64(body.spec), body.request);
    return once(context, caller, request, unit => createSubmission(unit, researcher, checked));
  });

  mountFor(app, context, api.createRevision, async ({ params, body, request }, caller) => {
    const researcher = requireRole(caller, 'researcher');
    await requireOwn(context.db, caller, params.id);
    const checked = await checkSubmission(context, researcher, fromBase64(body.spec), body.request);
    return once(context, caller, request, unit => createRevision(unit, researcher, params.id, checked));
  });

  mountFor(app, context, api.previewImage, async ({ body }, caller) => {
    requireRole(caller, 'researcher');
    const spec = readSpec(fromBase64(body.spec));
    const files = spec.value.workspace.map(file => file.digest);
    const [missing] = await withoutGrant(context.db, files, caller.party);
    if (missing !== undefined) {
      throw new CleanRoomError('not-found', `The file ${missing} was not put before.`, {
        remedy: 'Put every file of the workspace first.'
      });
    }
    return { image: (await composeImage(context.parts, spec)).imageDigest, spec: spec.digest };
  });

  mountFor(app, context, api.addComment, async ({ params, body, request }, caller) => {
    const person = requirePerson(caller);
    await requireConcerned(context.db, caller, params.id);
    return once(context, caller, request, unit => addComment(unit, person, params.id, body.text));
  });
}

export function submissionRoutes(app: App, context: Context): void {
  writing(app, context);

  mountFor(app, context, api.listSubmissions, async ({ query }, caller) =>
    listSubmissions(context.db, caller.party, pageRequest(query, ID), query.waitingFor !== undefined)
  );

  mountFor(app, context, api.getSubmission, async ({ params }, caller) => {
    await requireConcerned(context.db, caller, params.id);
    return submissionView(context.db, params.id);
  });

  mountFor(app, context, api.getFile, async ({ params, reply }, caller) => {
    await requireConcerned(context.db, caller, params.id);
    const { spec } = await revisionAt(context.db, params.id, params.number);
    const file = Spec.read(spec).value.workspace.find(({ path }) => path === params['*']);
    if (file === undefined) throw new CleanRoomError('not-found', 'The workspace has no such file.');
    return deliver(context.parts.objects, file.digest, reply);
  });

  mountFor(app, context, api.rebuild, async ({ params }, caller) => {
    await requireConcerned(context.db, caller, params.id);
    const revision = await revisionAt(context.db, params.id, params.number);
    const { imageDigest } = await composeImage(context.parts, Spec.read(revision.spec));
    return { submitted: revision.image, rebuilt: imageDigest, equal: revision.image === imageDigest };
  });
}

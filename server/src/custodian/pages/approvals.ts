import { Type, type Static } from 'typebox';
import { Approval } from '@clean-room/protocol/approvals';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { strictestTerms, type Grant } from '@clean-room/protocol/policies';
import type { App } from '../../platform/http/app.js';
import { ID_PATTERN } from '../../platform/ids.js';
import { confirmApproval } from '../approvals/confirm.js';
import { draftApproval, mayBeUnattended } from '../approvals/draft.js';
import { rejectSubmission } from '../approvals/reject.js';
import { custodianPaths } from '../config.js';
import type { CustodianContext } from '../context.js';
import { requireReviewer } from '../sign-in/reviewers.js';
import { useTicket } from '../sign-in/tickets.js';
import { inspectSubmission, type InspectedRevision } from '../submissions/inspect.js';
import { approvalPage, decidedPage } from './approval-page.js';
import { readPasskeyAssertion } from './credentials.js';
import { requireOwnForm, requireSession } from './guard.js';
import { sendPage, seeOther } from './layout.js';

const IdParams = Type.Object({ id: Type.String({ pattern: ID_PATTERN }) });
const { runs, spareStarts } = Approval.schema.properties;
const GrantQuery = Type.Object({ runs: Type.Optional(runs), spareStarts: Type.Optional(spareStarts) });

/** An approval without a browser. The ticket proves that the caller can write to the custodian's own folder. */
const Unattended = Type.Object(
  {
    ticket: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    submission: Type.String({ pattern: ID_PATTERN }),
    runs,
    spareStarts
  },
  { additionalProperties: false }
);
type Unattended = Static<typeof Unattended>;

/** Returns the state of this provider's decision on the inspected revision. */
function ownDecision({ config }: CustodianContext, { submission, revision }: InspectedRevision): string {
  const current = submission.revisions.find(({ number }) => number === revision);
  return current?.decisions.find(({ provider }) => provider === config.party)?.state ?? 'pending';
}

/** Adds the pages on which a provider's reviewers decide about submissions. */
export function addApprovalPages(app: App, context: CustodianContext): void {
  app.get<{ Params: { id: string }; Querystring: Partial<Grant> }>(
    '/approve/:id',
    { schema: { params: IdParams, querystring: GrantQuery, hide: true } },
    async (request, reply) => {
      const session = await requireSession(context, request);
      const inspected = await inspectSubmission(context, request.params.id);
      const state = ownDecision(context, inspected);
      if (state !== 'pending') {
        const body = decidedPage('Already decided', `Your party’s decision about this revision: ${state}.`);
        return sendPage(context, reply, { title: 'Already decided', body, session });
      }
      const draft = await draftApproval(context, inspected, session.person.id, {
        runs: request.query.runs ?? 1,
        spareStarts: request.query.spareStarts ?? 0,
        unattended: false
      });
      const body = await approvalPage({
        inspected,
        draft,
        csrfToken: session.csrfToken,
        passkeys: session.person.passkeys.filter(({ origin }) => origin === context.config.origin),
        relyingParty: new URL(context.config.origin).hostname,
        mayBeUnattended: mayBeUnattended(context, inspected),
        most: strictestTerms(inspected.assets.map(({ policy }) => policy.value)).run
      });
      return sendPage(context, reply, { title: `Approve ${inspected.spec.value.notebook}`, body, session });
    }
  );

  app.post<{ Params: { id: string }; Body: URLSearchParams }>(
    '/drafts/:id/confirm',
    { schema: { params: IdParams, hide: true } },
    async (request, reply) => {
      const session = await requireOwnForm(context, request, request.body);
      const assertion = readPasskeyAssertion(request.body);
      await confirmApproval(context, request.params.id, session.person.id, assertion);
      return seeOther(reply, '/approved');
    }
  );

  app.post<{ Params: { id: string }; Body: URLSearchParams }>(
    '/submissions/:id/unattended',
    { schema: { params: IdParams, hide: true } },
    async (request, reply) => {
      const session = await requireOwnForm(context, request, request.body);
      const inspected = await inspectSubmission(context, request.params.id);
      if (
        request.body.get('revision') !== String(inspected.revision) ||
        request.body.get('image') !== inspected.image
      ) {
        throw new CleanRoomError(
          'conflict',
          'The submission has changed since this page was opened. Nothing was approved.',
          { remedy: 'Open it again and review the changes.' }
        );
      }
      const draft = await draftApproval(context, inspected, session.person.id, {
        runs: Number(request.body.get('runs')),
        spareStarts: Number(request.body.get('spareStarts')),
        unattended: true
      });
      await confirmApproval(context, draft.id, session.person.id, undefined);
      return seeOther(reply, '/approved');
    }
  );

  app.post<{ Params: { id: string }; Body: URLSearchParams }>(
    '/submissions/:id/reject',
    { schema: { params: IdParams, hide: true } },
    async (request, reply) => {
      await requireOwnForm(context, request, request.body);
      const accepted = await rejectSubmission(context, request.params.id, request.body.get('reason') ?? '');
      return seeOther(reply, accepted ? '/rejected' : '/rejected?delivered=no');
    }
  );

  app.post<{ Body: Unattended }>(
    '/unattended',
    { schema: { body: Unattended, hide: true } },
    async (request, reply) => {
      if (context.config.demo === undefined) {
        throw new CleanRoomError('forbidden', 'Only a demo custodian accepts an approval without a passkey.');
      }
      const { ticket, submission, ...grant } = request.body;
      const { id } = await requireReviewer(
        context,
        await useTicket(custodianPaths(context).tickets, ticket, context.now())
      );
      const inspected = await inspectSubmission(context, submission);
      const draft = await draftApproval(context, inspected, id, { ...grant, unattended: true });
      const { digest } = await confirmApproval(context, draft.id, id, undefined);
      return reply.type('application/json').send({ approval: digest });
    }
  );

  app.get('/approved', { schema: { hide: true } }, async (request, reply) => {
    const session = await requireSession(context, request);
    const body = decidedPage('Approved', 'The approval is signed and was sent. You can close this page.');
    return sendPage(context, reply, { title: 'Approved', body, session });
  });

  app.get<{ Querystring: { delivered?: string } }>(
    '/rejected',
    { schema: { hide: true, querystring: Type.Object({ delivered: Type.Optional(Type.Literal('no')) }) } },
    async (request, reply) => {
      const session = await requireSession(context, request);
      const sentence =
        request.query.delivered === 'no'
          ? 'Nothing is approved, and earlier approvals were revoked here. The researcher has not been informed, because the coordinator accepts a rejection only from the review panel in JupyterLab. Reject the submission there as well.'
          : 'Nothing is approved. The researcher sees your comment.';
      return sendPage(context, reply, {
        title: 'Rejected',
        body: decidedPage('Rejected', sentence),
        session
      });
    }
  );
}

import { Type, type Static } from 'typebox';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { App } from '../../platform/http/app.js';
import { ID_PATTERN } from '../../platform/ids.js';
import { confirmApproval } from '../approvals/confirm.js';
import { draftApproval, mayBeUnattended } from '../approvals/draft.js';
import { refuseSubmission } from '../approvals/refuse.js';
import { custodianPaths } from '../config.js';
import type { CustodianContext } from '../context.js';
import { requireReviewer } from '../sign-in/people.js';
import { useTicket } from '../sign-in/tickets.js';
import { inspectSubmission, type InspectedRevision } from '../submissions/fetch.js';
import { sendPage, seeOther } from './answer.js';
import { approvalPage, decidedPage } from './approval-page.js';
import { requireOwnForm, requireSession } from './guard.js';
import { asPasskeyAssertion } from './passkey-answer.js';

const ById = Type.Object({ id: Type.String({ pattern: ID_PATTERN }) });
const Attempts = Type.Object({ attempts: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })) });

/** For runs without a browser: the pass proves that whoever asks may write to the custodian's own folder. */
const Unattended = Type.Object(
  {
    ticket: Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' }),
    submission: Type.String({ pattern: ID_PATTERN }),
    attempts: Type.Integer({ minimum: 1, maximum: 1000 })
  },
  { additionalProperties: false }
);
type Unattended = Static<typeof Unattended>;

function ownDecision({ config }: CustodianContext, { submission, revision }: InspectedRevision): string {
  const current = submission.revisions.find(({ number }) => number === revision);
  return current?.decisions.find(({ provider }) => provider === config.party)?.state ?? 'pending';
}

/** The pages on which a provider's reviewers decide on submissions. */
export function addApprovalPages(app: App, context: CustodianContext): void {
  app.get<{ Params: { id: string }; Querystring: { attempts?: number } }>(
    '/approve/:id',
    { schema: { params: ById, querystring: Attempts, hide: true } },
    async (request, reply) => {
      const session = await requireSession(context, request);
      const inspected = await inspectSubmission(context, request.params.id);
      const state = ownDecision(context, inspected);
      if (state !== 'pending') {
        const body = decidedPage('Decided', `Your party’s decision on this revision is: ${state}.`);
        return sendPage(context, reply, { title: 'Decided', body, session });
      }
      const draft = await draftApproval(context, inspected, session.person.id, {
        attempts: request.query.attempts ?? 1,
        unattended: false
      });
      const body = await approvalPage({
        inspected,
        draft,
        csrf: session.csrf,
        passkeys: session.person.passkeys.filter(({ origin }) => origin === context.config.origin),
        relyingParty: new URL(context.config.origin).hostname,
        mayBeUnattended: mayBeUnattended(context, inspected),
        mostAttempts: Math.min(...inspected.assets.map(({ policy }) => policy.value.run.attempts))
      });
      return sendPage(context, reply, { title: `Approve ${inspected.spec.value.notebook}`, body, session });
    }
  );

  app.post<{ Params: { id: string }; Body: URLSearchParams }>(
    '/drafts/:id/confirm',
    { schema: { params: ById, hide: true } },
    async (request, reply) => {
      const session = await requireOwnForm(context, request, request.body);
      const assertion = asPasskeyAssertion(request.body.get('passkey') ?? '');
      await confirmApproval(context, request.params.id, session.person.id, assertion);
      return seeOther(reply, '/approved');
    }
  );

  app.post<{ Params: { id: string }; Body: URLSearchParams }>(
    '/submissions/:id/unattended',
    { schema: { params: ById, hide: true } },
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
          {
            remedy: 'Open it again and look at what changed.'
          }
        );
      }
      const attempts = Number(request.body.get('attempts'));
      const draft = await draftApproval(context, inspected, session.person.id, {
        attempts,
        unattended: true
      });
      await confirmApproval(context, draft.id, session.person.id, undefined);
      return seeOther(reply, '/approved');
    }
  );

  app.post<{ Params: { id: string }; Body: URLSearchParams }>(
    '/submissions/:id/refuse',
    { schema: { params: ById, hide: true } },
    async (request, reply) => {
      await requireOwnForm(context, request, request.body);
      const told = await refuseSubmission(context, request.params.id, request.body.get('reason') ?? '');
      return seeOther(reply, told ? '/refused' : '/refused?told=no');
    }
  );

  app.post<{ Body: Unattended }>(
    '/unattended',
    { schema: { body: Unattended, hide: true } },
    async (request, reply) => {
      if (context.config.demo === undefined) {
        throw new CleanRoomError('forbidden', 'Only a demo custodian takes an approval without a passkey.');
      }
      const { ticket, submission, attempts } = request.body;
      const { id } = await requireReviewer(
        context,
        await useTicket(custodianPaths(context).tickets, ticket, context.now())
      );
      const inspected = await inspectSubmission(context, submission);
      const draft = await draftApproval(context, inspected, id, { attempts, unattended: true });
      const { digest } = await confirmApproval(context, draft.id, id, undefined);
      return reply.type('application/json').send({ approval: digest });
    }
  );

  app.get('/approved', { schema: { hide: true } }, async (request, reply) => {
    const session = await requireSession(context, request);
    const body = decidedPage('Approved', 'The approval is signed and on its way. You can close this page.');
    return sendPage(context, reply, { title: 'Approved', body, session });
  });

  app.get<{ Querystring: { told?: string } }>(
    '/refused',
    { schema: { hide: true, querystring: Type.Object({ told: Type.Optional(Type.Literal('no')) }) } },
    async (request, reply) => {
      const session = await requireSession(context, request);
      const sentence =
        request.query.told === 'no'
          ? 'Nothing is approved, and what was approved before is taken back here. The coordinator takes a rejection only from JupyterLab’s review panel: reject it there, so that the researcher hears of it.'
          : 'Nothing is approved, and the researcher is told your reason.';
      return sendPage(context, reply, {
        title: 'Not approved',
        body: decidedPage('Not approved', sentence),
        session
      });
    }
  );
}

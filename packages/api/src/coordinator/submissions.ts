import { Type, type Static } from 'typebox';
import {
  AssetName,
  Base64,
  Closed,
  DigestField,
  Envelope,
  PartyName,
  Text,
  Timestamp,
  Title
} from '@clean-room/protocol/documents';
import { ApprovalBundle } from '@clean-room/protocol/approvals';
import type { DecisionState, RevisionState } from '@clean-room/protocol/runs';
import { DECISION_TRANSITIONS, REVISION_TRANSITIONS } from '@clean-room/protocol/runs';
import { defineRoute } from '../route.js';
import { Actor, ById, Id, ApiTimestamp, PageOf, PageQuery, Reason } from './common.js';
import { RunSummary } from './runs.js';

/** The state of a revision. */
export const RevisionStateField = Type.Unsafe<RevisionState>({
  type: 'string',
  enum: Object.keys(REVISION_TRANSITIONS)
});
/** The state of a provider's decision. */
export const DecisionStateField = Type.Unsafe<DecisionState>({
  type: 'string',
  enum: Object.keys(DECISION_TRANSITIONS)
});

/** A provider's decision on a revision. */
export const Decision = Closed({
  provider: PartyName,
  state: DecisionStateField,
  reason: Type.Optional(Reason),
  decidedAt: Type.Optional(ApiTimestamp),
  decidedBy: Type.Optional(Actor),
  /** The time at which the approval expires. */
  expires: Type.Optional(Timestamp),
  approval: Type.Optional(ApprovalBundle)
});
export type Decision = Static<typeof Decision>;

const revisionFacts = {
  number: Type.Integer({ minimum: 1 }),
  state: RevisionStateField,
  reason: Type.Optional(Reason),
  purpose: Title,
  notebook: Type.String(),
  assets: Type.Array(AssetName),
  specDigest: DigestField,
  /** The image digest, which identifies the program. */
  image: DigestField,
  submittedBy: Actor,
  submittedAt: ApiTimestamp,
  updatedAt: ApiTimestamp
};

/** A revision of a submission. */
export const Revision = Closed({
  ...revisionFacts,
  /** The spec's bytes. */
  spec: Base64,
  /** The submitter's signed request. */
  request: Envelope,
  decisions: Type.Array(Decision)
});
export type Revision = Static<typeof Revision>;

/** A comment on a revision. */
export const Comment = Closed({
  id: Id,
  revision: Type.Integer({ minimum: 1 }),
  by: Actor,
  text: Text,
  at: ApiTimestamp
});
export type Comment = Static<typeof Comment>;

/** A submission in a list. */
export const SubmissionSummary = Closed({
  id: Id,
  party: PartyName,
  createdAt: ApiTimestamp,
  updatedAt: ApiTimestamp,
  /** The newest revision. */
  revision: Closed({
    ...revisionFacts,
    decisions: Type.Array(Closed({ provider: PartyName, state: DecisionStateField }))
  })
});
export type SubmissionSummary = Static<typeof SubmissionSummary>;

/** A submission with its revisions, comments and runs. */
export const Submission = Closed({
  id: Id,
  party: PartyName,
  createdAt: ApiTimestamp,
  updatedAt: ApiTimestamp,
  /** The revisions, oldest first. */
  revisions: Type.Array(Revision),
  comments: Type.Array(Comment),
  runs: Type.Array(RunSummary)
});
export type Submission = Static<typeof Submission>;

const SubmitBody = Closed({
  /** The spec's canonical bytes. */
  spec: Base64,
  request: Envelope
});
const Submitted = Closed({
  id: Id,
  revision: Type.Integer({ minimum: 1 }),
  state: RevisionStateField,
  image: DigestField
});

/** The size limit of a request with a spec. A spec has at most 10,000 files, so its base64 is smaller. */
const SPEC_BODY = 24_000_000;

export const createSubmission = defineRoute({
  method: 'POST',
  path: '/v1/submissions',
  summary: 'Submit a notebook with its spec and the signed request. Upload the files first',
  callers: ['person'],
  body: SubmitBody,
  response: Submitted,
  status: 201,
  bodyLimit: SPEC_BODY
});

export const createRevision = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/revisions',
  summary: 'Submit the next revision after changes were requested',
  callers: ['person'],
  params: ById,
  body: SubmitBody,
  response: Submitted,
  status: 201,
  bodyLimit: SPEC_BODY
});

export const composeImage = defineRoute({
  method: 'POST',
  path: '/v1/image-digests',
  summary: 'Compute the image digest of a spec that is not submitted yet. Upload the files first',
  callers: ['person'],
  body: Closed({ spec: Base64 }),
  response: Closed({ image: DigestField, spec: DigestField }),
  bodyLimit: SPEC_BODY
});

export const listSubmissions = defineRoute({
  method: 'GET',
  path: '/v1/submissions',
  summary: 'List the submissions of my party and those that use its assets, newest first',
  callers: ['person', 'custodian'],
  query: Closed({
    ...PageQuery.properties,
    /** With `my-decision`, only the submissions that wait for a decision of the caller's party. */
    waitingFor: Type.Optional(Type.Literal('my-decision'))
  }),
  response: PageOf(SubmissionSummary)
});

export const getSubmission = defineRoute({
  method: 'GET',
  path: '/v1/submissions/:id',
  summary: 'Get one submission with its revisions, decisions, comments and runs',
  callers: ['person', 'custodian'],
  params: ById,
  response: Submission
});

const ByRevision = Closed({ id: Id, number: Type.Integer({ minimum: 1, maximum: 1_000_000 }) });

export const getFile = defineRoute({
  method: 'GET',
  path: '/v1/submissions/:id/revisions/:number/files/*',
  summary: 'Download one file of a revision’s workspace',
  callers: ['person', 'custodian'],
  params: Closed({ ...ByRevision.properties, '*': Type.String({ minLength: 1, maxLength: 1024 }) }),
  bodyKind: 'download'
});

export const compareImage = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/revisions/:number/rebuild',
  summary: 'Rebuild the image from the submitted files and compare the digests',
  callers: ['person', 'custodian'],
  params: ByRevision,
  response: Closed({ submitted: DigestField, rebuilt: DigestField, equal: Type.Boolean() })
});

export const addComment = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/comments',
  summary: 'Comment on the newest revision',
  callers: ['person'],
  params: ById,
  body: Closed({ text: Type.String({ minLength: 1, maxLength: 4000 }) }),
  response: Comment,
  status: 201
});

const Outcome = Closed({ revision: Type.Integer({ minimum: 1 }), state: RevisionStateField });
const WithReason = Closed({ reason: Type.String({ minLength: 1, maxLength: 4000 }) });

export const requestChanges = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/changes-requested',
  summary: 'Request changes. This ends the revision, and the researcher may submit the next one',
  callers: ['person', 'custodian'],
  params: ById,
  body: WithReason,
  response: Outcome
});

export const reject = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/reject',
  summary: 'Reject the newest revision, or revoke an approval of it',
  callers: ['person', 'custodian'],
  params: ById,
  body: WithReason,
  response: Outcome
});

export const withdraw = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/withdraw',
  summary: 'Withdraw the newest revision',
  callers: ['person'],
  params: ById,
  response: Outcome
});

export const approve = defineRoute({
  method: 'POST',
  path: '/v1/submissions/:id/approvals',
  summary: 'Approve the newest revision, with a signed approval of the provider’s custodian',
  callers: ['custodian'],
  params: ById,
  body: ApprovalBundle,
  response: Outcome,
  status: 201,
  bodyLimit: 24_000_000
});

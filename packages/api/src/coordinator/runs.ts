import { Type, type Static } from 'typebox';
import { Closed, DigestField, Envelope, PartyName } from '@clean-room/protocol/documents';
import { RUN_TRANSITIONS, RunFailure, type RunState } from '@clean-room/protocol/runs';
import { defineRoute } from '../route.js';
import { Actor, ById, Id, ApiTimestamp, PageOf, PageQuery, Reason } from './common.js';

export const RunStateField = Type.Unsafe<RunState>({ type: 'string', enum: Object.keys(RUN_TRANSITIONS) });

export const RunSummary = Closed({
  id: Id,
  submission: Id,
  revision: Type.Integer({ minimum: 1 }),
  notebook: Type.String(),
  state: RunStateField,
  /** Why it failed or was cancelled. */
  reason: Type.Optional(Reason),
  /** How the notebook itself ended, when it did not get to its end: such a run has outputs and a receipt all the same. */
  failure: Type.Optional(RunFailure),
  /** Providers whose custodian must act before it goes on. */
  waitingFor: Type.Array(PartyName),
  /** The code cell at work, from 1, of `cells`. */
  cell: Type.Optional(Type.Integer({ minimum: 0 })),
  cells: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Whether a simulated TEE runs it. */
  simulated: Type.Boolean(),
  createdAt: ApiTimestamp,
  startedAt: Type.Optional(ApiTimestamp),
  endedAt: Type.Optional(ApiTimestamp)
});
export type RunSummary = Static<typeof RunSummary>;

export const RunTransition = Closed({ state: RunStateField, at: ApiTimestamp });

export const Run = Closed({
  ...RunSummary.properties,
  image: DigestField,
  requestedBy: Type.Optional(Actor),
  /** Every state it has been in, oldest first. */
  history: Type.Array(RunTransition),
  /** Once there are outputs: the digest of the run statement and of the sealed notebook. */
  statement: Type.Optional(DigestField),
  output: Type.Optional(DigestField)
});
export type Run = Static<typeof Run>;

export const createRun = defineRoute({
  method: 'POST',
  path: '/v1/runs',
  summary: 'One more run of an approved revision, while attempts are left',
  callers: ['person'],
  body: Closed({ submission: Id }),
  response: RunSummary,
  status: 201
});

export const listRuns = defineRoute({
  method: 'GET',
  path: '/v1/runs',
  summary: 'Runs of my party’s submissions and of those that use its assets; newest first',
  callers: ['person', 'custodian'],
  query: Closed({ ...PageQuery.properties, submission: Type.Optional(Id) }),
  response: PageOf(RunSummary)
});

export const getRun = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id',
  summary: 'One run',
  callers: ['person', 'custodian'],
  params: ById,
  response: Run
});

export const cancelRun = defineRoute({
  method: 'POST',
  path: '/v1/runs/:id/cancel',
  summary: 'Stop a run; nothing of it leaves the TEE',
  callers: ['person'],
  params: ById,
  response: RunSummary
});

export const getReceipt = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id/receipt',
  summary: 'The receipt, once the outputs are released',
  callers: ['person', 'custodian'],
  params: ById,
  cargo: 'text'
});

export const OutputUnderReview = Closed({
  run: Id,
  submission: Id,
  /** The run statement's bytes, base64, and the token that vouches for it. */
  statement: Type.String(),
  token: Type.String(),
  keyReleases: Type.Array(Envelope)
});
export type OutputUnderReview = Static<typeof OutputUnderReview>;

export const getOutputUnderReview = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id/output-review',
  summary: 'What a reviewing custodian needs to judge outputs; the sealed bytes are objects',
  callers: ['custodian'],
  params: ById,
  response: OutputUnderReview
});

export const releaseOutputs = defineRoute({
  method: 'POST',
  path: '/v1/runs/:id/output-releases',
  summary: 'A reviewing custodian’s signed output release',
  callers: ['custodian'],
  params: ById,
  body: Closed({ outputRelease: Envelope }),
  response: RunSummary,
  status: 201
});

export const withholdOutputs = defineRoute({
  method: 'POST',
  path: '/v1/runs/:id/withhold',
  summary: 'A reviewing custodian’s no: the outputs stay sealed',
  callers: ['custodian'],
  params: ById,
  body: Closed({ reason: Type.String({ minLength: 1, maxLength: 4000 }) }),
  response: RunSummary
});

import { Type, type Static } from 'typebox';
import { Closed, DigestField, Envelope, PartyName } from '@clean-room/protocol/documents';
import { RUN_TRANSITIONS, RunFailure, type RunState } from '@clean-room/protocol/runs';
import { defineRoute } from '../route.js';
import { Actor, ById, Id, ApiTimestamp, PageOf, PageQuery, Reason } from './common.js';

/** The state of a run. */
export const RunStateField = Type.Unsafe<RunState>({ type: 'string', enum: Object.keys(RUN_TRANSITIONS) });

/** The machine time that a run has used, over all of its attempts that have ended. */
export const RunCost = Closed({
  /** The name of the machine size of the newest attempt. */
  machine: Type.String(),
  seconds: Type.Integer({ minimum: 0 }),
  /** Approximate cost in US dollars. Absent when the operator has not configured the price of a machine that was used. */
  dollars: Type.Optional(Type.Number({ minimum: 0 }))
});
export type RunCost = Static<typeof RunCost>;

/** A run in a list. */
export const RunSummary = Closed({
  id: Id,
  submission: Id,
  revision: Type.Integer({ minimum: 1 }),
  notebook: Type.String(),
  state: RunStateField,
  /** The reason why it failed, was cancelled or starts again. */
  reason: Type.Optional(Reason),
  /** The reason why the notebook ended early. Such a run has outputs and a receipt like any other. */
  failure: Type.Optional(RunFailure),
  /** The providers whose custodian must act before the run continues. */
  waitingFor: Type.Array(PartyName),
  /** The number of the code cell that is running, from 1 to `cells`. */
  cell: Type.Optional(Type.Integer({ minimum: 0 })),
  cells: Type.Optional(Type.Integer({ minimum: 0 })),
  /** Whether it runs in a simulated TEE. */
  simulated: Type.Boolean(),
  cost: Type.Optional(RunCost),
  createdAt: ApiTimestamp,
  startedAt: Type.Optional(ApiTimestamp),
  endedAt: Type.Optional(ApiTimestamp)
});
export type RunSummary = Static<typeof RunSummary>;

const RunTransition = Closed({
  state: RunStateField,
  at: ApiTimestamp,
  /** The reason of a failure, a cancellation or another attempt. */
  reason: Type.Optional(Reason)
});

/** A run with its history. */
export const Run = Closed({
  ...RunSummary.properties,
  image: DigestField,
  requestedBy: Type.Optional(Actor),
  /** All states that it has had, oldest first. */
  history: Type.Array(RunTransition),
  /** The digests of the run statement and of the sealed notebook, as soon as there are outputs. */
  statement: Type.Optional(DigestField),
  output: Type.Optional(DigestField)
});
export type Run = Static<typeof Run>;

export const createRun = defineRoute({
  method: 'POST',
  path: '/v1/runs',
  summary: 'Run an approved revision once more, while the approvals allow another run',
  callers: ['person'],
  body: Closed({ submission: Id }),
  response: RunSummary,
  status: 201
});

export const listRuns = defineRoute({
  method: 'GET',
  path: '/v1/runs',
  summary: 'List the runs of my party’s submissions and of those that use its assets, newest first',
  callers: ['person', 'custodian'],
  query: Closed({ ...PageQuery.properties, submission: Type.Optional(Id) }),
  response: PageOf(RunSummary)
});

export const getRun = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id',
  summary: 'Get one run',
  callers: ['person', 'custodian'],
  params: ById,
  response: Run
});

export const cancelRun = defineRoute({
  method: 'POST',
  path: '/v1/runs/:id/cancel',
  summary: 'Cancel a run. No output of it leaves the TEE',
  callers: ['person'],
  params: ById,
  response: RunSummary
});

export const getReceipt = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id/receipt',
  summary: 'Get the receipt, as soon as the outputs are released',
  callers: ['person', 'custodian'],
  params: ById,
  bodyKind: 'text'
});

/** The sentence that is shown next to what a machine wrote. */
export const CONSOLE_NOTICE = 'Written by the machine and the operator: proves nothing.';

/** The output of an attempt’s machine. */
export const MachineConsole = Closed({
  notice: Type.Literal(CONSOLE_NOTICE),
  /** The number of the attempt, and how many the run has had. */
  attempt: Type.Integer({ minimum: 1 }),
  attempts: Type.Integer({ minimum: 1 }),
  /** The end of the serial console. Absent when the machine does not exist any more. */
  serial: Type.Optional(Type.String()),
  /** Entries of the launcher’s log, oldest first. */
  log: Type.Array(Closed({ at: Type.String(), severity: Type.String(), message: Type.String() }))
});
export type MachineConsole = Static<typeof MachineConsole>;

export const getConsole = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id/console',
  summary: 'Get what the machine of a run wrote. It proves nothing',
  callers: ['operator'],
  params: ById,
  query: Closed({ attempt: Type.Optional(Type.Integer({ minimum: 1 })) }),
  response: MachineConsole
});

/** The documents with which a custodian reviews outputs. */
const OutputUnderReview = Closed({
  run: Id,
  submission: Id,
  /** The run statement's bytes as base64, and the token that attests it. */
  statement: Type.String(),
  token: Type.String(),
  keyReleases: Type.Array(Envelope)
});

export const getOutputUnderReview = defineRoute({
  method: 'GET',
  path: '/v1/runs/:id/output-review',
  summary: 'Get the documents for an output review. The sealed outputs are objects',
  callers: ['custodian'],
  params: ById,
  response: OutputUnderReview
});

export const releaseOutputs = defineRoute({
  method: 'POST',
  path: '/v1/runs/:id/output-releases',
  summary: 'Release outputs, with a signed output release of the reviewing custodian',
  callers: ['custodian'],
  params: ById,
  body: Closed({ outputRelease: Envelope }),
  response: RunSummary,
  status: 201
});

export const withholdOutputs = defineRoute({
  method: 'POST',
  path: '/v1/runs/:id/withhold',
  summary: 'Withhold outputs as the reviewing custodian. They stay sealed',
  callers: ['custodian'],
  params: ById,
  body: Closed({ reason: Type.String({ minLength: 1, maxLength: 4000 }) }),
  response: RunSummary
});

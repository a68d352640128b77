import { Type, type Static } from 'typebox';
import { AssetName, Closed, DigestField } from '@clean-room/protocol/documents';
import { defineRoute } from '../route.js';
import { Id } from './common.js';
import { RunStateField } from './runs.js';
import { DecisionStateField, RevisionStateField } from './submissions.js';

/**
 * An event of the coordinator. It says what has changed, not the new content: clients request what they show. After `resync`,
 * a client must request everything again, because it was disconnected for too long and has missed events.
 */
export const CoordinatorEvent = Type.Union([
  Closed({
    topic: Type.Literal('submission'),
    submission: Id,
    revision: Type.Integer(),
    state: RevisionStateField,
    decision: Type.Optional(Closed({ provider: Type.String(), state: DecisionStateField })),
    comment: Type.Optional(Id)
  }),
  Closed({
    topic: Type.Literal('run'),
    run: Id,
    submission: Id,
    state: RunStateField,
    cell: Type.Optional(Type.Integer()),
    cells: Type.Optional(Type.Integer())
  }),
  Closed({ topic: Type.Literal('asset'), name: AssetName }),
  Closed({ topic: Type.Literal('mailbox'), request: DigestField, run: Id }),
  Closed({ topic: Type.Literal('resync') })
]);
export type CoordinatorEvent = Static<typeof CoordinatorEvent>;

export const streamEvents = defineRoute({
  method: 'GET',
  path: '/v1/events',
  summary: 'Stream server-sent events, from the one after the header `Last-Event-ID`',
  callers: ['person', 'custodian'],
  bodyKind: 'events'
});

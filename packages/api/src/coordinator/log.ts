import { Type } from 'typebox';
import { Base64, Closed, Count, DigestField, Envelope } from '@clean-room/protocol/documents';
import { LogProof } from '@clean-room/protocol/log';
import { defineRoute } from '../route.js';

export const getCheckpoint = defineRoute({
  method: 'GET',
  path: '/v1/log/checkpoint',
  summary: 'The log’s head, signed',
  callers: ['person', 'custodian'],
  response: Closed({ checkpoint: Envelope })
});

export const listLogEntries = defineRoute({
  method: 'GET',
  path: '/v1/log/entries',
  summary: 'Entries as the bytes that are hashed, in order',
  callers: ['person', 'custodian'],
  query: Closed({
    from: Type.Optional(Count),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 }))
  }),
  response: Closed({ from: Count, entries: Type.Array(Base64), size: Count })
});

export const getLogProof = defineRoute({
  method: 'GET',
  path: '/v1/log/proofs/:index',
  summary: 'Proof that an entry stands in the log under its newest checkpoint',
  callers: ['person', 'custodian'],
  params: Closed({ index: Count }),
  response: LogProof
});

export const getConsistencyProof = defineRoute({
  method: 'GET',
  path: '/v1/log/consistency',
  summary: 'Proof that the log under its newest checkpoint begins with the log of an earlier size',
  callers: ['person', 'custodian'],
  query: Closed({ from: Count }),
  response: Closed({ path: Type.Array(DigestField), checkpoint: Envelope })
});

import { Type } from 'typebox';
import { Base64, Closed, Count, DigestField, Envelope } from '@clean-room/protocol/documents';
import { LogProof } from '@clean-room/protocol/log';
import { defineRoute } from '../route.js';

export const getCheckpoint = defineRoute({
  method: 'GET',
  path: '/v1/log/checkpoint',
  summary: 'Get the signed checkpoint of the log',
  callers: ['person', 'custodian'],
  response: Closed({ checkpoint: Envelope })
});

export const listLogEntries = defineRoute({
  method: 'GET',
  path: '/v1/log/entries',
  summary: 'List the log’s entries in order, as the bytes that are hashed',
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
  summary: 'Get the proof that the newest checkpoint of the log includes an entry',
  callers: ['person', 'custodian'],
  params: Closed({ index: Count }),
  response: LogProof
});

export const getConsistencyProof = defineRoute({
  method: 'GET',
  path: '/v1/log/consistency',
  summary: 'Get the proof that the newest checkpoint extends the log of an earlier size',
  callers: ['person', 'custodian'],
  query: Closed({ from: Count }),
  response: Closed({ path: Type.Array(DigestField), checkpoint: Envelope })
});

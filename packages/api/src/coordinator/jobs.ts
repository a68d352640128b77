import { Type, type Static } from 'typebox';
import { Closed, DigestField } from '@clean-room/protocol/documents';
import { JobDocument, JobProgress, JobResult } from '@clean-room/protocol/jobs';
import { KeyRequestMessage, MailboxReply } from '@clean-room/protocol/key-release';
import { defineRoute } from '../route.js';
import { Id, ApiTimestamp } from './common.js';
import { Stored } from './objects.js';

/** 32 random bytes, base64url. Whoever knows it is the supervisor, as far as the coordinator is concerned. */
const JobToken = Type.String({ pattern: '^[A-Za-z0-9_-]{26,128}$' });
const ByJob = Closed({ job: JobToken });
const ByJobAndDigest = Closed({ job: JobToken, digest: DigestField });

export const getJob = defineRoute({
  method: 'GET',
  path: '/v1/jobs/:job',
  summary: 'The job document',
  callers: ['supervisor'],
  params: ByJob,
  response: JobDocument
});

export const postProgress = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/progress',
  summary: 'How far the supervisor is',
  callers: ['supervisor'],
  params: ByJob,
  body: JobProgress,
  status: 204
});

export const postKeyRequest = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/mailbox',
  summary: 'Leave a key request for a custodian',
  callers: ['supervisor'],
  params: ByJob,
  body: KeyRequestMessage,
  response: Closed({ request: DigestField }),
  status: 202,
  bodyLimit: 48_000_000
});

export const getKeyReply = defineRoute({
  method: 'GET',
  path: '/v1/jobs/:job/mailbox/:request',
  summary: 'The custodian’s answer or refusal; 204 while there is none',
  callers: ['supervisor'],
  params: Closed({ job: JobToken, request: DigestField }),
  response: MailboxReply
});

export const getJobObject = defineRoute({
  method: 'GET',
  path: '/v1/jobs/:job/objects/:digest',
  summary: 'The sealed bytes of an asset of this job',
  callers: ['supervisor'],
  params: ByJobAndDigest,
  cargo: 'download'
});

export const putJobObject = defineRoute({
  method: 'PUT',
  path: '/v1/jobs/:job/objects/:digest',
  summary: 'Put a sealed output',
  callers: ['supervisor'],
  params: ByJobAndDigest,
  cargo: 'upload',
  response: Stored,
  status: 201
});

export const postResults = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/results',
  summary: 'The run statement with its token; ends the attempt',
  callers: ['supervisor'],
  params: ByJob,
  body: JobResult,
  status: 204,
  bodyLimit: 64_000_000
});

export const KeyRequestWaiting = Closed({
  request: DigestField,
  run: Id,
  submission: Id,
  message: KeyRequestMessage,
  createdAt: ApiTimestamp
});
export type KeyRequestWaiting = Static<typeof KeyRequestWaiting>;

export const listKeyRequests = defineRoute({
  method: 'GET',
  path: '/v1/mailbox',
  summary: 'Key requests that wait for my answer, oldest first',
  callers: ['custodian'],
  response: Closed({ items: Type.Array(KeyRequestWaiting) })
});

export const answerKeyRequest = defineRoute({
  method: 'POST',
  path: '/v1/mailbox/:request',
  summary: 'My signed key release, or my refusal',
  callers: ['custodian'],
  params: Closed({ request: DigestField }),
  body: MailboxReply,
  status: 204
});

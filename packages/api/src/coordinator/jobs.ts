import { Type, type Static } from 'typebox';
import { Closed, DigestField } from '@clean-room/protocol/documents';
import { JobDocument, JobProgress, JobResult } from '@clean-room/protocol/jobs';
import { KeyRequestMessage, MailboxReply } from '@clean-room/protocol/key-release';
import { defineRoute } from '../route.js';
import { Id, ApiTimestamp } from './common.js';
import { Stored } from './objects.js';

/** The id of a job: 32 random bytes as base64url. The coordinator treats every caller that knows it as the supervisor. */
const JobToken = Type.String({ pattern: '^[A-Za-z0-9_-]{26,128}$' });
const ByJob = Closed({ job: JobToken });
const ByJobAndDigest = Closed({ job: JobToken, digest: DigestField });

export const getJob = defineRoute({
  method: 'GET',
  path: '/v1/jobs/:job',
  summary: 'Get the job document',
  callers: ['supervisor'],
  params: ByJob,
  response: JobDocument
});

export const postProgress = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/progress',
  summary: 'Report the supervisor’s progress',
  callers: ['supervisor'],
  params: ByJob,
  body: JobProgress,
  status: 204
});

export const postKeyRequest = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/mailbox',
  summary: 'Post a key request for a custodian',
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
  summary: 'Get the custodian’s key release or refusal. Status 204 while there is none',
  callers: ['supervisor'],
  params: Closed({ job: JobToken, request: DigestField }),
  response: MailboxReply
});

export const getJobObject = defineRoute({
  method: 'GET',
  path: '/v1/jobs/:job/objects/:digest',
  summary: 'Download the sealed bytes of an asset of this job',
  callers: ['supervisor'],
  params: ByJobAndDigest,
  bodyKind: 'download'
});

export const putJobObject = defineRoute({
  method: 'PUT',
  path: '/v1/jobs/:job/objects/:digest',
  summary: 'Upload a sealed output',
  callers: ['supervisor'],
  params: ByJobAndDigest,
  bodyKind: 'upload',
  response: Stored,
  status: 201
});

export const postResults = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/results',
  summary: 'Post the run statement with its token. This ends the attempt',
  callers: ['supervisor'],
  params: ByJob,
  body: JobResult,
  status: 204,
  bodyLimit: 64_000_000
});

/** A key request that waits for a custodian's answer. */
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
  summary: 'List the key requests that wait for my answer, oldest first',
  callers: ['custodian'],
  response: Closed({ items: Type.Array(KeyRequestWaiting) })
});

export const answerKeyRequest = defineRoute({
  method: 'POST',
  path: '/v1/mailbox/:request',
  summary: 'Answer a key request with a signed key release or a refusal',
  callers: ['custodian'],
  params: Closed({ request: DigestField }),
  body: MailboxReply,
  status: 204
});

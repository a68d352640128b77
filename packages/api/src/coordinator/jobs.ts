import { Type, type Static } from 'typebox';
import { Closed, Count, DigestField, Envelope } from '@clean-room/protocol/documents';
import {
  AttemptRegistration,
  JobDocument,
  JobProgress,
  JobResult,
  RegisteredAttempt,
  TransferAddress,
  TransferRequest
} from '@clean-room/protocol/jobs';
import { KeyRequestMessage, KeyRequestToken, Mailbox, MailboxReply } from '@clean-room/protocol/key-release';
import { defineRoute } from '../route.js';
import { Id, ApiTimestamp } from './common.js';
import { Stored } from './objects.js';

/** The id of a job, which is the id of its attempt. It is not a credential. */
const ByJob = Closed({ job: Id });
const ByJobAndRequest = Closed({ job: Id, request: DigestField });

export const registerAttempt = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/registration',
  summary:
    'Register the attempt’s key with an attestation token. The answer is the secret that proves all later requests',
  callers: ['anyone'],
  params: ByJob,
  body: AttemptRegistration,
  response: RegisteredAttempt
});

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

export const getMailbox = defineRoute({
  method: 'GET',
  path: '/v1/jobs/:job/mailbox',
  summary:
    'Get the key requests of this attempt with their replies, as soon as there is a newer version than `after`',
  callers: ['supervisor'],
  params: ByJob,
  query: Closed({ after: Count }),
  response: Mailbox
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

export const postKeyRequestToken = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/mailbox/:request/token',
  summary: 'Post the attestation token that the custodian asked for',
  callers: ['supervisor'],
  params: ByJobAndRequest,
  body: KeyRequestToken,
  status: 204
});

export const createTransfer = defineRoute({
  method: 'POST',
  path: '/v1/jobs/:job/transfers',
  summary: 'Get the address at which a sealed asset can be downloaded, or a sealed output uploaded',
  callers: ['supervisor'],
  params: ByJob,
  body: TransferRequest,
  response: TransferAddress
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

/** An address that {@link createTransfer} returned. The grant in it is the only credential. */
const ByGrant = Closed({ grant: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,1000}$' }) });

export const downloadTransfer = defineRoute({
  method: 'GET',
  path: '/v1/transfers/:grant',
  summary: 'Download a sealed object, from the first byte of the `range` header if there is one',
  callers: ['anyone'],
  params: ByGrant,
  bodyKind: 'download'
});

export const uploadTransfer = defineRoute({
  method: 'PUT',
  path: '/v1/transfers/:grant',
  summary: 'Upload a sealed object',
  callers: ['anyone'],
  params: ByGrant,
  bodyKind: 'upload',
  response: Stored,
  status: 201
});

/** A key request that waits for a custodian's answer. */
export const KeyRequestWaiting = Closed({
  request: DigestField,
  run: Id,
  submission: Id,
  message: KeyRequestMessage,
  /** The newest token that the supervisor sent. */
  token: Type.Optional(Type.String()),
  /** How often this custodian has asked for a token. */
  tokensWanted: Count,
  /** The newest statements of this attempt’s custodians that they are ready. Not verified. */
  ready: Type.Array(Envelope),
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

export const askForToken = defineRoute({
  method: 'POST',
  path: '/v1/mailbox/:request/token-requests',
  summary: 'Ask the attempt for a fresh attestation token over its key request',
  callers: ['custodian'],
  params: Closed({ request: DigestField }),
  body: Closed({ tokensWanted: Count }),
  status: 204
});

export const declareReady = defineRoute({
  method: 'POST',
  path: '/v1/mailbox/:request/ready',
  summary: 'Declare that I am ready to release keys for a key request',
  callers: ['custodian'],
  params: Closed({ request: DigestField }),
  body: Closed({ ready: Envelope }),
  status: 204
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

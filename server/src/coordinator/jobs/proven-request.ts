import { createHash, type Hash } from 'node:crypto';
import { Transform } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { digestFromHash, toBase64Url, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { isProven, PROOF_HEADER, readRequestProof } from '@clean-room/protocol/jobs';
import type { App } from '../../platform/http/app.js';
import type { CoordinatorContext } from '../context.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { findJob, type Job } from './find.js';

/** Passes a body on and hashes it. Fastify compares `receivedEncodedLength` with the limit of the route. */
class HashingBody extends Transform {
  receivedEncodedLength = 0;
  readonly hash: Hash = createHash('sha256');

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, data: Buffer) => void): void {
    this.receivedEncodedLength += chunk.length;
    this.hash.update(chunk);
    done(null, chunk);
  }
}

const hashes = new WeakMap<FastifyRequest, Hash>();

/** Hashes the bodies of all requests of the routes that are added to `app` from now on. */
export function hashBodies(app: App): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const body = new HashingBody();
    hashes.set(request, body.hash);
    payload.on('error', error => body.destroy(error));
    done(null, payload.pipe(body));
  });
}

function bodyDigest(request: FastifyRequest): Digest {
  return digestFromHash((hashes.get(request) ?? createHash('sha256')).digest());
}

/** A request that the registered attempt has sent. */
export interface AttemptRequest {
  readonly job: Job;
  readonly sequence: number;
  /** The proof's HMAC as base64url. Two requests with the same sequence number are the same if their HMACs are. */
  readonly mac: string;
}

/**
 * Verifies that a request was sent by the registered attempt of a job.
 *
 * @throws CleanRoomError `not-found`, `unauthenticated`
 */
export async function verifyAttemptRequest(
  context: CoordinatorContext,
  attempt: string,
  request: FastifyRequest
): Promise<AttemptRequest> {
  const proof = readRequestProof(request.headers[PROOF_HEADER]);
  const job = await findJob(context.db, attempt);
  const sent = { method: request.method, path: request.url, body: bodyDigest(request) };
  const { attemptKey } = job;
  if (attemptKey === null || !isProven(context.services.secrets.of(attempt, attemptKey), proof, sent)) {
    throw new CleanRoomError(
      'unauthenticated',
      'The request was not sent by the registered attempt of this job.'
    );
  }
  return { job, sequence: proof.sequence, mac: toBase64Url(proof.mac) };
}

/**
 * Locks the attempt, and checks the order of its requests.
 *
 * @returns the stored answer when the request is a repetition of the newest one, wrapped in an object
 * @throws CleanRoomError `conflict` for an older request, or another one with the same number
 */
async function requireInOrder(
  unit: UnitOfWork,
  { job, sequence, mac }: AttemptRequest
): Promise<{ readonly answer: unknown } | undefined> {
  const newest = await unit.trx
    .selectFrom('attempt')
    .select(['sequence', 'request_mac', 'answer'])
    .where('id', '=', job.attempt)
    .forUpdate()
    .executeTakeFirstOrThrow();
  if (sequence > newest.sequence) return undefined;
  if (sequence === newest.sequence && mac === newest.request_mac) return { answer: newest.answer };
  throw new CleanRoomError('conflict', 'The request is older than another request of this attempt.', {
    details: { sequence: newest.sequence }
  });
}

/**
 * Handles a request of an attempt once, in one transaction. A repetition of the newest request gets the stored answer; an older
 * or changed request is refused.
 *
 * @throws CleanRoomError `conflict`, and the errors of `work`
 */
export async function handleOnce<T>(
  context: CoordinatorContext,
  request: AttemptRequest,
  work: (unit: UnitOfWork, job: Job) => Promise<T>
): Promise<T> {
  return context.transact(async unit => {
    const stored = await requireInOrder(unit, request);
    if (stored !== undefined) return (stored.answer ?? undefined) as T;
    const answer = await work(unit, await findJob(unit.trx, request.job.attempt));
    await unit.trx
      .updateTable('attempt')
      .set({
        sequence: request.sequence,
        request_mac: request.mac,
        answer: answer === undefined ? null : JSON.stringify(answer)
      })
      .where('id', '=', request.job.attempt)
      .execute();
    return answer;
  });
}

/**
 * Records a request that only reads. A repetition of the newest request may read again.
 *
 * @throws CleanRoomError `conflict` as {@link handleOnce}
 */
export async function recordRead(context: CoordinatorContext, request: AttemptRequest): Promise<void> {
  await context.transact(async unit => {
    if ((await requireInOrder(unit, request)) !== undefined) return;
    await unit.trx
      .updateTable('attempt')
      .set({ sequence: request.sequence, request_mac: request.mac, answer: null })
      .where('id', '=', request.job.attempt)
      .execute();
  });
}

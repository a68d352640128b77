import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Caller } from '../access/caller.js';
import type { CoordinatorContext } from '../context.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

const KEY = /^[\x21-\x7e]{8,128}$/;

/** How long the answer to a key is kept. */
export const IDEMPOTENCY_HOURS = 24;

function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !KEY.test(header)) {
    throw new CleanRoomError('malformed', 'The header Idempotency-Key is 8 to 128 visible characters.');
  }
  return header;
}

function fingerprint(request: FastifyRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([request.method, request.url, request.body ?? null]))
    .digest('base64url');
}

function nameOf(caller: Caller): string {
  return caller.kind === 'custodian'
    ? `custodian:${caller.party}`
    : `person:${caller.subject}:${caller.party}`;
}

/**
 * A change that counts once for each `Idempotency-Key`: the change and its answer are one transaction, so that a repeated
 * request gets the first one's answer, whatever broke in between. Without a key the change simply happens.
 * @throws CleanRoomError `conflict` when the key was used for another request
 */
export async function once<T>(
  context: CoordinatorContext,
  caller: Caller,
  request: FastifyRequest,
  work: (unit: UnitOfWork) => Promise<T>
): Promise<T> {
  const key = keyOf(request);
  if (key === undefined) return context.transact(work);
  const [name, print] = [nameOf(caller), fingerprint(request)];
  return context.transact(async unit => {
    const mine = await unit.trx
      .insertInto('idempotency')
      .values({ caller: name, key, request_hash: print })
      .onConflict(conflict => conflict.doNothing())
      .returning('key')
      .executeTakeFirst();
    if (mine === undefined) {
      const earlier = await unit.trx
        .selectFrom('idempotency')
        .select(['request_hash', 'response'])
        .where('caller', '=', name)
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      if (earlier.request_hash === print) return earlier.response as T;
      throw new CleanRoomError('conflict', 'This Idempotency-Key was used for another request.', {
        remedy: 'Send every new request with a new key.'
      });
    }
    const response = await work(unit);
    await unit.trx
      .updateTable('idempotency')
      .set({ response: JSON.stringify(response ?? null) })
      .where('caller', '=', name)
      .where('key', '=', key)
      .execute();
    return response;
  });
}

import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Caller } from '../access/caller.js';
import type { CoordinatorContext } from '../context.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

const KEY = /^[\x21-\x7e]{8,128}$/;

/** The time for which the response to a key is kept, in hours. */
export const IDEMPOTENCY_HOURS = 24;

function keyOf(request: FastifyRequest): string | undefined {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !KEY.test(header)) {
    throw new CleanRoomError(
      'malformed',
      'The header Idempotency-Key must have 8 to 128 visible ASCII characters.'
    );
  }
  return header;
}

/** Returns the hash of a request, by which a repeated request is recognised. */
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
 * Carries out a change at most once per `Idempotency-Key`. The change and its response are saved in one transaction, so a
 * repeated request gets the response of the first one, even after a crash. Without the header, the change is always carried
 * out.
 *
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
  const [name, hash] = [nameOf(caller), fingerprint(request)];
  return context.transact(async unit => {
    const inserted = await unit.trx
      .insertInto('idempotency')
      .values({ caller: name, key, request_hash: hash })
      .onConflict(conflict => conflict.doNothing())
      .returning('key')
      .executeTakeFirst();
    if (inserted === undefined) {
      const earlier = await unit.trx
        .selectFrom('idempotency')
        .select(['request_hash', 'response'])
        .where('caller', '=', name)
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      if (earlier.request_hash === hash) return earlier.response as T;
      throw new CleanRoomError(
        'conflict',
        'This Idempotency-Key was already used for another request. Nothing was changed.',
        {
          remedy: 'Send each new request with a new key.'
        }
      );
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

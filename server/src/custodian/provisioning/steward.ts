import type { FastifyRequest } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  STEWARD_REQUEST_SECONDS,
  verifyStewardRequest,
  type Person,
  type Roster
} from '@clean-room/protocol/parties';
import type { ResponseOf, RouteDefinition } from '@clean-room/api';
import type { App } from '../../platform/http/app.js';
import { mount, type RouteCall } from '../../platform/http/mount.js';
import type { CustodianContext } from '../context.js';
import { fetchMemberships } from '../parties/collaborations.js';

/** The bytes of JSON bodies, because a steward signs them and not the values that they mean. */
const bodies = new WeakMap<FastifyRequest, Uint8Array>();

/** Keeps the bytes of JSON bodies for {@link requireSteward}. */
export function keepJsonBodies(app: App): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    bodies.set(request, new Uint8Array(body as Buffer));
    const parse = app.getDefaultJsonParser('error', 'error');
    void parse(request, body.toString(), done);
  });
}

async function ownRoster({ config, coordinator, rosters }: CustodianContext): Promise<Roster> {
  // The newest roster decides, so that a steward who was removed has no access from then on.
  await fetchMemberships(coordinator, rosters, config.party, config.rootKey);
  const newest = await rosters.newest(config.party, config.rootKey);
  if (newest !== undefined) return newest.roster;
  throw new CleanRoomError('not-found', `This custodian has no roster of ${config.party}.`, {
    remedy: 'Publish the roster, and a collaboration that your party is a member of.'
  });
}

/** Records a nonce. A second request with the same nonce is refused, also by another process and after a restart. */
async function useNonce({ db, now }: CustodianContext, nonce: string): Promise<void> {
  const at = now();
  await db.deleteFrom('steward_nonce').where('until', '<', at).execute();
  const inserted = await db
    .insertInto('steward_nonce')
    .values({ nonce, until: new Date(at.getTime() + 2 * STEWARD_REQUEST_SECONDS * 1000) })
    .onConflict(conflict => conflict.doNothing())
    .returning('nonce')
    .executeTakeFirst();
  if (inserted === undefined) {
    throw new CleanRoomError('unauthenticated', 'This signed request was already used.', {
      remedy: 'Send the request again with the clean-room command, which signs each request.'
    });
  }
}

/**
 * Returns the steward who signed a request.
 *
 * @throws CleanRoomError `unauthenticated`, `forbidden` or `signature-invalid`
 */
async function requireSteward(context: CustodianContext, request: FastifyRequest): Promise<Person> {
  const { steward, nonce } = verifyStewardRequest(
    request.headers.authorization,
    { method: request.method, path: request.url, body: bodies.get(request) ?? new Uint8Array() },
    { custodian: context.keys.publicKey, roster: await ownRoster(context), at: context.now() }
  );
  await useNonce(context, nonce);
  return steward;
}

/** Adds a route that only stewards may call. The handler receives the steward who signed the request. */
export function mountForSteward<D extends RouteDefinition & { readonly callers: readonly ['steward'] }>(
  app: App,
  context: CustodianContext,
  route: D,
  handler: (call: RouteCall<D>, steward: Person) => Promise<ResponseOf<D>>
): void {
  mount(app, route, async call => handler(call, await requireSteward(context, call.request)));
}

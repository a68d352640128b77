import type { FastifyRequest } from 'fastify';
import type { Role } from '@clean-room/protocol/parties';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Identity } from '../../platform/authentication/authenticator.js';
import { authenticateBearer } from '../../platform/authentication/authenticator.js';
import type { CoordinatorContext } from '../context.js';
import { newestRoster } from '../parties/rosters.js';

export interface PersonCaller {
  readonly kind: 'person';
  readonly subject: string;
  readonly party: string;
  readonly person: string;
  readonly roles: readonly Role[];
}

export interface CustodianCaller {
  readonly kind: 'custodian';
  readonly party: string;
}

export type Caller = PersonCaller | CustodianCaller;

export async function identify(context: CoordinatorContext, request: FastifyRequest): Promise<Identity> {
  return authenticateBearer(request, context.services.authenticator);
}

function chosenParty(identity: Identity & { kind: 'person' }, header: string | undefined): string {
  const [only, ...others] = identity.acts;
  const party = header ?? (others.length === 0 ? only?.party : undefined);
  if (party === undefined) {
    throw new CleanRoomError('malformed', 'You may act for several parties, and did not say for which.', {
      remedy: `Send the header clean-room-party: ${identity.acts.map(act => act.party).join(' or ')}.`
    });
  }
  if (!identity.acts.some(act => act.party === party)) {
    throw new CleanRoomError('forbidden', `You may not act for ${party.slice(0, 40)}.`);
  }
  return party;
}

/**
 * Who calls, and for which party. Rights follow from the party's own signed roster.
 * @param unlisted true lets a person through whom no roster lists yet: to publish the party's first roster
 * @throws CleanRoomError `unauthenticated`, `forbidden`
 */
export async function callerOf(
  context: CoordinatorContext,
  request: FastifyRequest,
  unlisted = false
): Promise<Caller> {
  const identity = await identify(context, request);
  if (identity.kind === 'custodian') return identity;
  const header = request.headers['clean-room-party'];
  const party = chosenParty(identity, Array.isArray(header) ? header[0] : header);
  const id = identity.acts.find(act => act.party === party)?.person ?? '';
  const person = (await newestRoster(context.db, party))?.people.find(candidate => candidate.id === id);
  if (person === undefined && !unlisted) {
    throw new CleanRoomError('forbidden', `The roster of ${party} does not list you.`, {
      remedy: 'Ask your party to add you to its roster.'
    });
  }
  return { kind: 'person', subject: identity.subject, party, person: id, roles: person?.roles ?? [] };
}

/** @throws CleanRoomError `forbidden` */
export function requirePerson(caller: Caller): PersonCaller {
  if (caller.kind === 'person') return caller;
  throw new CleanRoomError('forbidden', 'Only a person can do this.');
}

/** @throws CleanRoomError `forbidden` */
export function requireCustodian(caller: Caller): CustodianCaller {
  if (caller.kind === 'custodian') return caller;
  throw new CleanRoomError('forbidden', 'Only a custodian can do this.', {
    remedy: 'Open the custodian’s own page.'
  });
}

/** @throws CleanRoomError `forbidden` */
export function requireRole(caller: Caller, role: Role): PersonCaller {
  const person = requirePerson(caller);
  if (person.roles.includes(role)) return person;
  throw new CleanRoomError('forbidden', `You are not a ${role} of ${person.party}.`, {
    remedy: `Ask ${person.party} to make you one in its roster, or act for another party.`
  });
}

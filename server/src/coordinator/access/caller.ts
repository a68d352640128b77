import type { FastifyRequest } from 'fastify';
import type { Role } from '@clean-room/protocol/parties';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { authenticateBearer, type Identity } from '../../platform/authentication/authenticator.js';
import type { CoordinatorContext } from '../context.js';
import { newestRoster } from '../parties/rosters.js';

/** A person who calls, with the roles that the roster of their party gives them. */
export interface PersonCaller {
  readonly kind: 'person';
  readonly subject: string;
  readonly party: string;
  readonly person: string;
  readonly roles: readonly Role[];
}

interface CustodianCaller {
  readonly kind: 'custodian';
  readonly party: string;
}

/** The sender of a request, acting for one party. */
export type Caller = PersonCaller | CustodianCaller;

/**
 * Returns the identity of a request's sender, before it is known for which party they act.
 *
 * @throws CleanRoomError `unauthenticated`
 */
export async function identify(context: CoordinatorContext, request: FastifyRequest): Promise<Identity> {
  return authenticateBearer(request, context.services.authenticator);
}

function chosenParty(identity: Identity & { kind: 'person' }, header: string | undefined): string {
  const [only, ...others] = identity.acts;
  const party = header ?? (others.length === 0 ? only?.party : undefined);
  if (party === undefined) {
    throw new CleanRoomError(
      'malformed',
      'You can act for several parties, and the request does not say for which one.',
      {
        remedy: `Set the header clean-room-party to ${identity.acts.map(act => act.party).join(' or ')}.`
      }
    );
  }
  if (!identity.acts.some(act => act.party === party)) {
    throw new CleanRoomError('forbidden', `You are not allowed to act for ${party.slice(0, 40)}.`, {
      remedy: 'Choose another party, or ask the operator to assign you to this one.'
    });
  }
  return party;
}

/**
 * Returns the sender of a request and the party that they act for. Rights follow from the party's own signed roster.
 *
 * @param unlisted - whether to accept a person whose party's roster does not list them. Needed to publish the first roster.
 * @throws CleanRoomError `unauthenticated`, `forbidden`, or `malformed` when the party is not named
 */
export async function callerOf(
  context: CoordinatorContext,
  request: FastifyRequest,
  unlisted = false
): Promise<Caller> {
  const identity = await identify(context, request);
  if (identity.kind === 'custodian') return identity;
  if (identity.kind === 'operator') {
    throw new CleanRoomError('forbidden', 'The operator’s token belongs to no party.', {
      remedy: 'Sign in as a person of a party.'
    });
  }
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

/**
 * Returns the caller if it is a person.
 *
 * @throws CleanRoomError `forbidden`
 */
export function requirePerson(caller: Caller): PersonCaller {
  if (caller.kind === 'person') return caller;
  throw new CleanRoomError('forbidden', 'Only a person can do this, not a custodian.');
}

/**
 * Returns the caller if it is a custodian.
 *
 * @throws CleanRoomError `forbidden`
 */
export function requireCustodian(caller: Caller): CustodianCaller {
  if (caller.kind === 'custodian') return caller;
  throw new CleanRoomError('forbidden', 'Only a custodian can do this.', {
    remedy: 'Open the page of your party’s custodian and do it there.'
  });
}

/**
 * Returns the caller if it is a person with the given role.
 *
 * @throws CleanRoomError `forbidden`
 */
export function requireRole(caller: Caller, role: Role): PersonCaller {
  const person = requirePerson(caller);
  if (person.roles.includes(role)) return person;
  throw new CleanRoomError('forbidden', `The roster of ${person.party} does not list you as a ${role}.`, {
    remedy: `Ask ${person.party} to give you this role in its roster, or act for another party.`
  });
}

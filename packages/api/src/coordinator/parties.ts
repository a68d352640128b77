import { Type, type Static } from 'typebox';
import { Closed, DigestField, Envelope, PartyName, PersonId, Title } from '@clean-room/protocol/documents';
import { Role } from '@clean-room/protocol/parties';
import { defineRoute } from '../route.js';

/** The caller. */
export const Me = Closed({
  /** The subject of the credential. */
  subject: Type.String(),
  /** The parties that the caller may act for. The header `clean-room-party` chooses one. */
  parties: Type.Array(
    Closed({
      party: PartyName,
      person: PersonId,
      title: Title,
      name: Title,
      roles: Type.Array(Role)
    })
  )
});
export type Me = Static<typeof Me>;

export const getMe = defineRoute({
  method: 'GET',
  path: '/v1/me',
  summary: 'Get my identity, the parties that I may act for, and my roles there',
  callers: ['person'],
  response: Me
});

/** A signed collaboration with the rosters of its members. */
export const PublishedCollaboration = Closed({
  digest: DigestField,
  envelope: Envelope,
  /** The newest roster of each member that has published one. */
  rosters: Type.Array(Envelope)
});
export type PublishedCollaboration = Static<typeof PublishedCollaboration>;

export const listCollaborations = defineRoute({
  method: 'GET',
  path: '/v1/collaborations',
  summary: 'List the signed collaborations of my party, with the rosters of their members',
  callers: ['person', 'custodian'],
  response: Closed({ items: Type.Array(PublishedCollaboration) })
});

const Published = Closed({ digest: DigestField });

export const publishRoster = defineRoute({
  method: 'POST',
  path: '/v1/rosters',
  summary: 'Publish my party’s signed roster. Its version must be higher than the published one',
  callers: ['person', 'custodian'],
  body: Closed({ roster: Envelope }),
  response: Published,
  status: 201,
  bodyLimit: 24_000_000
});

export const publishCollaboration = defineRoute({
  method: 'POST',
  path: '/v1/collaborations',
  summary: 'Publish a collaboration that all of its members have signed',
  callers: ['person', 'custodian'],
  body: Closed({ collaboration: Envelope }),
  response: Published,
  status: 201
});

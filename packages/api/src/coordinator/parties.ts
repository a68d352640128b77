import { Type, type Static } from 'typebox';
import { Closed, DigestField, Envelope, PartyName, PersonId, Title } from '@clean-room/protocol/documents';
import { Role } from '@clean-room/protocol/parties';
import { defineRoute } from '../route.js';

export const Me = Closed({
  /** Who the credential stands for. */
  subject: Type.String(),
  /** Each party I may act for; choose one with the header `clean-room-party`. */
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
  summary: 'Who I am, and each party I may act for with my roles there',
  callers: ['person'],
  response: Me
});

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
  summary: 'The signed collaborations of my party, with the rosters of their members',
  callers: ['person', 'custodian'],
  response: Closed({ items: Type.Array(PublishedCollaboration) })
});

const Published = Closed({ digest: DigestField });

export const publishRoster = defineRoute({
  method: 'POST',
  path: '/v1/rosters',
  summary: 'Publish my party’s signed roster; its version only ever grows',
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

import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Closed, Count, PartyName, PersonId, Title } from '../documents/fields.js';
import { PublicKey, Recipient } from '../documents/keys.js';

/** The role of a person in their party: submits notebooks, reviews, or provisions data and sets policies. */
export const Role = Type.Union([
  Type.Literal('researcher'),
  Type.Literal('reviewer'),
  Type.Literal('steward')
]);
export type Role = Static<typeof Role>;

/** A reviewer's passkey, created on the custodian's origin. */
export const Passkey = Closed({
  credentialId: Type.String({ pattern: '^[A-Za-z0-9_-]{16,1400}$' }),
  /** COSE_Key bytes as base64url. ES256 and EdDSA are accepted. */
  publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{40,1400}$' }),
  /** The host name that the passkey is bound to. */
  relyingParty: Type.String({ minLength: 1, maxLength: 253 }),
  /** The only origin that its assertions may come from. */
  origin: Type.String({ pattern: '^https?://[^/]+$', maxLength: 300 })
});
export type Passkey = Static<typeof Passkey>;

/** A person of a party. */
export const Person = Closed({
  id: PersonId,
  name: Title,
  roles: Type.Array(Role, { maxItems: 3 }),
  /** The keys with which this person signs specs. */
  keys: Type.Array(PublicKey, { maxItems: 16 }),
  /** The keys to which results are sealed. */
  recipients: Type.Array(Recipient, { maxItems: 16 }),
  passkeys: Type.Array(Passkey, { maxItems: 16 })
});
export type Person = Static<typeof Person>;

/** The place where a custodian runs. A `co-hosted` one shares process, database, user or host with the coordinator. */
export const Hosting = Type.Union([Type.Literal('co-hosted'), Type.Literal('own')]);
export type Hosting = Static<typeof Hosting>;

/** A party's custodian. */
export const Custodian = Closed({
  key: PublicKey,
  /** The key to which outputs under review are sealed. */
  recipient: Recipient,
  origin: Type.String({ pattern: '^https?://[^/]+$', maxLength: 300 }),
  hosting: Hosting,
  /** Whether it takes people at their word: they sign in without proof, and may approve without a passkey. */
  demo: Type.Boolean()
});
export type Custodian = Static<typeof Custodian>;

/** A party's people, their roles and keys, and its custodian. Signed by the party's root key. */
export const Roster = defineDocument(
  'roster',
  1,
  Closed({
    format: Type.Literal('clean-room.roster/v1'),
    party: PartyName,
    title: Title,
    rootKey: PublicKey,
    /** Increases by one with each change. A reader never accepts a lower version than one it has seen. */
    version: Count,
    people: Type.Array(Person, { maxItems: 10_000 }),
    custodian: Type.Optional(Custodian),
    jupyterHost: Type.Union([Type.Literal('own'), Type.Literal('operator-hosted')])
  })
);
export type Roster = Static<typeof Roster.schema>;

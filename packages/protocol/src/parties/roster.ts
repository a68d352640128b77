import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Closed, Count, PartyName, PersonId, Title } from '../documents/fields.js';
import { PublicKey, Recipient } from '../documents/keys.js';

export const Role = Type.Union([
  Type.Literal('researcher'),
  Type.Literal('reviewer'),
  Type.Literal('steward')
]);
export type Role = Static<typeof Role>;

/** A reviewer's passkey: made on the custodian's origin, its public key as COSE_Key bytes. */
export const Passkey = Closed({
  credentialId: Type.String({ pattern: '^[A-Za-z0-9_-]{16,1400}$' }),
  /** COSE_Key, base64url. ES256 and EdDSA are accepted. */
  publicKey: Type.String({ pattern: '^[A-Za-z0-9_-]{40,1400}$' }),
  /** The host name the passkey is bound to. */
  relyingParty: Type.String({ minLength: 1, maxLength: 253 }),
  /** The one origin its assertions may come from. */
  origin: Type.String({ pattern: '^https?://[^/]+$', maxLength: 300 })
});
export type Passkey = Static<typeof Passkey>;

export const Person = Closed({
  id: PersonId,
  name: Title,
  roles: Type.Array(Role, { maxItems: 3 }),
  /** Keys this person signs specs with. */
  keys: Type.Array(PublicKey, { maxItems: 16 }),
  /** Keys results are sealed to. */
  recipients: Type.Array(Recipient, { maxItems: 16 }),
  passkeys: Type.Array(Passkey, { maxItems: 16 })
});
export type Person = Static<typeof Person>;

/** Where a custodian runs: `co-hosted` shares process, database, user or host with the coordinator. */
export const Hosting = Type.Union([Type.Literal('co-hosted'), Type.Literal('own')]);
export type Hosting = Static<typeof Hosting>;

export const Custodian = Closed({
  key: PublicKey,
  /** Outputs under review are sealed to it. */
  recipient: Recipient,
  origin: Type.String({ pattern: '^https?://[^/]+$', maxLength: 300 }),
  hosting: Hosting
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
    /** Grows by one with each change; a reader never goes back to a lower one. */
    version: Count,
    people: Type.Array(Person, { maxItems: 10_000 }),
    custodian: Type.Optional(Custodian),
    jupyterHost: Type.Union([Type.Literal('own'), Type.Literal('operator-hosted')])
  })
);
export type Roster = Static<typeof Roster.schema>;

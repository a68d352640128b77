import { Type, type Static } from 'typebox';
import { digestOf } from '../bytes/digest.js';
import { fromBase64, toBase64, utf8 } from '../bytes/encoding.js';
import { defineDocument } from '../documents/document.js';
import { Envelope } from '../documents/dsse.js';
import { Closed, DigestField, fromTimestamp, Timestamp, toTimestamp } from '../documents/fields.js';
import { checkSchema } from '../documents/document.js';
import { parseStrictJson } from '../documents/json.js';
import { PublicKey, type SigningKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import type { Person, Roster } from './roster.js';

/**
 * A request of a steward to their party's custodian. It is signed with a key that the party's roster lists for the steward, and
 * valid once, for a short time, at this custodian.
 */
export const StewardRequest = defineDocument(
  'steward-request',
  1,
  Closed({
    format: Type.Literal('clean-room.steward-request/v1'),
    /** The key of the custodian. */
    custodian: PublicKey,
    method: Type.Union([Type.Literal('GET'), Type.Literal('POST'), Type.Literal('PUT')]),
    /** Path and query. */
    path: Type.String({ pattern: '^/[\\x21-\\x7e]{0,1000}$' }),
    /** The digest of the JSON body, or of no bytes. Uploaded bytes are named by their digest in the path. */
    body: DigestField,
    at: Timestamp,
    /** 16 random bytes as base64. */
    nonce: Type.String({ pattern: '^[A-Za-z0-9+/]{22}==$' })
  })
);
export type StewardRequest = Static<typeof StewardRequest.schema>;

const SCHEME = 'Steward ';
/** The maximum difference between the time in a request and the custodian's clock, in seconds. */
export const STEWARD_REQUEST_SECONDS = 300;

/** The parts of an HTTP request that its signature covers. */
export interface SignedParts {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** The JSON body. */
  readonly body: Uint8Array;
}

/**
 * Returns the `Authorization` header of a steward's request to a custodian.
 *
 * @param nonce - 16 random bytes
 */
export function authorizeStewardRequest(
  key: SigningKey,
  custodian: string,
  { method, path, body }: SignedParts,
  at: Date,
  nonce: Uint8Array
): string {
  const request = StewardRequest.sign(
    {
      format: 'clean-room.steward-request/v1',
      custodian,
      method: method as StewardRequest['method'],
      path,
      body: digestOf(body),
      at: toTimestamp(at),
      nonce: toBase64(nonce)
    },
    key
  );
  return SCHEME + toBase64(utf8(JSON.stringify(request)));
}

function refused(reason: string, remedy: string): CleanRoomError {
  return new CleanRoomError('unauthenticated', `The request is not signed by a steward: ${reason}.`, {
    remedy
  });
}

function envelopeOf(header: string | undefined): Envelope {
  if (header?.startsWith(SCHEME) !== true) {
    throw refused('it has no signature', 'Use the clean-room command with your own keys.');
  }
  return checkSchema(Envelope, parseStrictJson(fromBase64(header.slice(SCHEME.length))), 'signed request');
}

/**
 * Verifies that a steward in the party's roster has signed exactly this request for this custodian, and recently. The caller must
 * refuse a nonce that it has seen.
 *
 * @param header - the `Authorization` header
 * @returns the steward, and the nonce of the request
 * @throws CleanRoomError `unauthenticated`, `forbidden`, `signature-invalid` or `malformed`
 */
export function verifyStewardRequest(
  header: string | undefined,
  { method, path, body }: SignedParts,
  { custodian, roster, at }: { readonly custodian: string; readonly roster: Roster; readonly at: Date }
): { readonly steward: Person; readonly nonce: string } {
  const envelope = envelopeOf(header);
  const key = envelope.signatures[0]?.keyid;
  const steward = roster.people.find(person => person.keys.some(known => known === key));
  if (steward === undefined || key === undefined) {
    throw refused(
      `the roster of ${roster.party} does not list its key`,
      'Ask the person who manages your party’s roster to add your key.'
    );
  }
  const { value } = StewardRequest.open(envelope, key);
  if (!steward.roles.includes('steward')) {
    throw new CleanRoomError('forbidden', `${steward.name} is not a steward of ${roster.title}.`, {
      remedy: 'Ask a steward, or ask for this role in your party’s roster.'
    });
  }
  const matches =
    value.custodian === custodian &&
    value.method === method &&
    value.path === path &&
    value.body === digestOf(body);
  if (!matches) throw refused('it was signed for another request', 'Send the request again.');
  const seconds = Math.abs(at.getTime() - fromTimestamp(value.at).getTime()) / 1000;
  if (seconds > STEWARD_REQUEST_SECONDS) {
    throw refused(
      'its time is too far from the custodian’s',
      'Set the clock of your machine, then try again.'
    );
  }
  return { steward, nonce: value.nonce };
}

import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { digestOf, type Digest } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { canonicalJson, parseCanonicalJson } from './canonical.js';
import { requireSigned, signEnvelope, type Envelope } from './dsse.js';
import { parseStrictJson, type Json } from './json.js';
import type { PublicKey, SigningKey } from './keys.js';

/** A document read from its bytes: `digest` is the SHA-256 of exactly these bytes and is how others name it. */
export interface ReadDocument<T> {
  readonly value: T;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** One kind of document: its format name with version, its schema, and the ways to read, write and sign it. */
export interface DocumentKind<S extends TSchema> {
  readonly format: string;
  readonly payloadType: string;
  readonly schema: S;
  /** Canonical bytes of a value; refuses a value that its own schema refuses. */
  write(value: Static<S>): Uint8Array;
  /** @throws CleanRoomError `malformed`, or `unsupported-version` for another version of this format */
  read(bytes: Uint8Array): ReadDocument<Static<S>>;
  /** Like `read`, for documents that others must be able to rebuild: refuses all but the canonical spelling. */
  readCanonical(bytes: Uint8Array): ReadDocument<Static<S>>;
  sign(value: Static<S>, ...keys: readonly SigningKey[]): Envelope;
  /** Reads what all of `signers` have signed. */
  open(envelope: Envelope, ...signers: readonly [PublicKey, ...PublicKey[]]): ReadDocument<Static<S>>;
  /** Reads without checking a signature, to learn who should have signed. Never act on what it says. */
  peek(envelope: Envelope): ReadDocument<Static<S>>;
}

export function checkSchema<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  if (Check(schema, value)) return value as Static<S>;
  const first = Errors(schema, value)[0];
  const place = first === undefined ? '' : ` at ${first.instancePath || 'its top'}: ${first.message}`;
  throw new CleanRoomError('malformed', `The ${what} does not have the form it should have${place}.`);
}

function checkFormat(value: Json, format: string): void {
  const found = typeof value === 'object' && !Array.isArray(value) ? value['format'] : undefined;
  if (found === format) return;
  const family = format.slice(0, format.lastIndexOf('/'));
  if (typeof found === 'string' && found.startsWith(`${family}/`)) {
    throw new CleanRoomError(
      'unsupported-version',
      `This program reads ${format}, not ${found.slice(0, 80)}.`,
      {
        remedy: 'Update the clean room to read this document.'
      }
    );
  }
  throw new CleanRoomError('malformed', `The document does not say that it is a ${format}.`);
}

/** @param name e.g. `approval`; the format becomes `clean-room.approval/v1` */
export function defineDocument<S extends TSchema>(name: string, version: number, schema: S): DocumentKind<S> {
  const format = `clean-room.${name}/v${version}`;
  const payloadType = `application/vnd.clean-room.${name}.v${version}+json`;
  const check = (value: Json, bytes: Uint8Array): ReadDocument<Static<S>> => {
    checkFormat(value, format);
    return { value: checkSchema(schema, value, format), bytes, digest: digestOf(bytes) };
  };
  const write = (value: Static<S>): Uint8Array => canonicalJson(checkSchema(schema, value, format));
  const read = (bytes: Uint8Array): ReadDocument<Static<S>> => check(parseStrictJson(bytes), bytes);
  const payloads = new WeakMap<Envelope, ReadDocument<Static<S>>>();
  /** Reads what an envelope holds; only once when it can't change any more. */
  const payloadOf = (envelope: Envelope): ReadDocument<Static<S>> => {
    const known = payloads.get(envelope);
    if (known !== undefined) return known;
    const payload = read(fromBase64(envelope.payload));
    if (Object.isFrozen(envelope)) payloads.set(envelope, payload);
    return payload;
  };
  return {
    format,
    payloadType,
    schema,
    write,
    read,
    readCanonical: bytes => check(parseCanonicalJson(bytes), bytes),
    sign: (value, ...keys) => signEnvelope(payloadType, write(value), keys),
    open: (envelope, ...signers) => {
      requireSigned(envelope, payloadType, signers);
      return payloadOf(envelope);
    },
    peek: payloadOf
  };
}

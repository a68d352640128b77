import type { Static, TSchema } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { digestOf, type Digest } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { CleanRoomError } from '../errors/index.js';
import { canonicalJson, parseCanonicalJson } from './canonical.js';
import { requireSigned, signEnvelope, type Envelope } from './dsse.js';
import { parseStrictJson, type Json } from './json.js';
import type { PublicKey, SigningKey } from './keys.js';

/** A document that was read from its bytes. `digest` is the SHA-256 of exactly these bytes; other documents refer to it by this. */
export interface ReadDocument<T> {
  readonly value: T;
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/** A kind of document: its format name with version, its schema, and methods to read, write and sign it. */
export interface DocumentKind<S extends TSchema> {
  readonly format: string;
  readonly payloadType: string;
  readonly schema: S;
  /**
   * Returns the canonical bytes of a value.
   *
   * @throws CleanRoomError `malformed` when the value does not match the schema
   */
  write(value: Static<S>): Uint8Array;
  /**
   * Reads a document from its bytes.
   *
   * @throws CleanRoomError `malformed`, or `unsupported-version` for another version of this format
   */
  read(bytes: Uint8Array): ReadDocument<Static<S>>;
  /** Like `read`, but accepts only the canonical form. It is for documents that others must be able to reproduce. */
  readCanonical(bytes: Uint8Array): ReadDocument<Static<S>>;
  /** Returns an envelope with the value, signed by every key. */
  sign(value: Static<S>, ...keys: readonly SigningKey[]): Envelope;
  /**
   * Reads a document that all `signers` have signed.
   *
   * @throws CleanRoomError `signature-invalid`, `malformed` or `unsupported-version`
   */
  open(envelope: Envelope, ...signers: readonly [PublicKey, ...PublicKey[]]): ReadDocument<Static<S>>;
  /** Reads a document without verifying a signature, to find out who should have signed it. Never act on its content. */
  peek(envelope: Envelope): ReadDocument<Static<S>>;
}

/**
 * Returns the value if it matches the schema.
 *
 * @param what - what an error message calls the value
 * @throws CleanRoomError `malformed` with the first field that does not match
 */
export function checkSchema<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  if (Check(schema, value)) return value;
  const first = Errors(schema, value)[0];
  const detail = first === undefined ? '' : `: ${first.instancePath || 'the document'} ${first.message}`;
  throw new CleanRoomError('malformed', `The ${what} does not have the expected form${detail}.`);
}

function checkFormat(value: Json, format: string): void {
  const found = typeof value === 'object' && !Array.isArray(value) ? value['format'] : undefined;
  if (found === format) return;
  const family = format.slice(0, format.lastIndexOf('/'));
  if (typeof found === 'string' && found.startsWith(`${family}/`)) {
    throw new CleanRoomError(
      'unsupported-version',
      `This program can read ${format}, but the document is ${found.slice(0, 80)}.`,
      {
        remedy: 'Install a newer version of the clean room to read this document.'
      }
    );
  }
  throw new CleanRoomError('malformed', `The document is not a ${format}.`);
}

/**
 * Defines a kind of document.
 *
 * @param name - such as `approval`; with version 1 the format is `clean-room.approval/v1`
 */
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
  /** Reads the payload of an envelope. The result is kept if the envelope is frozen, because it then cannot change. */
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

import { Type, type Static } from 'typebox';
import { ByteCount, Closed, DigestField, Timestamp } from '../documents/fields.js';

/** Asks for the address at which one sealed object can be transferred, either to or from the TEE. */
export const TransferRequest = Closed({
  direction: Type.Union([Type.Literal('download'), Type.Literal('upload')]),
  digest: DigestField,
  /** Length of the object. */
  bytes: ByteCount
});
export type TransferRequest = Static<typeof TransferRequest>;

/** The longest time for which a transfer address is valid, in seconds. */
export const TRANSFER_SECONDS = 900;

/** An address at which one object can be transferred for a few minutes. The same request gives a new address. */
export const TransferAddress = Closed({
  method: Type.Union([Type.Literal('GET'), Type.Literal('PUT')]),
  url: Type.String({ pattern: '^https?://', maxLength: 4000 }),
  /** Headers that the request must carry, because the address is signed together with them. */
  headers: Type.Record(Type.String({ pattern: '^[a-z0-9-]{1,80}$' }), Type.String({ maxLength: 1000 })),
  expires: Timestamp
});
export type TransferAddress = Static<typeof TransferAddress>;

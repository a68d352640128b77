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

/** The headers that a transfer may need, because its address is signed together with them. No others are sent. */
export const TransferHeaders = Closed({
  'content-type': Type.Optional(Type.Literal('application/octet-stream')),
  /** The least and the greatest length of an upload. */
  'x-goog-content-length-range': Type.Optional(Type.String({ pattern: '^[0-9]{1,15},[0-9]{1,15}$' })),
  'x-goog-content-sha256': Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  /** Writes an object only if it does not exist yet. */
  'x-goog-if-generation-match': Type.Optional(Type.Literal('0')),
  'x-goog-resumable': Type.Optional(Type.Literal('start'))
});
export type TransferHeaders = Static<typeof TransferHeaders>;

/**
 * An address at which one object can be transferred for a few minutes. The same request gives a new address. GET downloads the
 * object, PUT uploads it in one request, and POST begins a resumable upload, whose session is the `Location` of the answer
 * (cloud.google.com/storage/docs/performing-resumable-uploads).
 */
export const TransferAddress = Closed({
  method: Type.Union([Type.Literal('GET'), Type.Literal('PUT'), Type.Literal('POST')]),
  url: Type.String({ pattern: '^https?://', maxLength: 4000 }),
  headers: TransferHeaders,
  expires: Timestamp
});
export type TransferAddress = Static<typeof TransferAddress>;

/** The origin of Google Cloud Storage. */
const GOOGLE_CLOUD_STORAGE = 'https://storage.googleapis.com';

/**
 * Returns whether a supervisor may transfer sealed objects at an address: at its coordinator, or at Google Cloud Storage. A
 * simulated TEE may also use loopback addresses.
 *
 * @param url - the address that the coordinator gave, or the session that the storage gave
 * @param job - the address of the attempt's job
 */
export function isTransferAddress(url: string, job: string, simulated: boolean): boolean {
  if (!URL.canParse(url)) return false;
  const { origin, protocol, hostname, username, password } = new URL(url);
  if (username !== '' || password !== '') return false;
  if (origin === new URL(job).origin || origin === GOOGLE_CLOUD_STORAGE) return true;
  return simulated && protocol === 'http:' && hostname === '127.0.0.1';
}

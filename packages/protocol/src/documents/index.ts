export { canonicalJson } from './canonical.js';
export { type DocumentKind, type ReadDocument, checkSchema } from './document.js';
export { Envelope, openEnvelope, preAuthenticationEncoding } from './dsse.js';
export {
  AssetName,
  Base64,
  ByteCount,
  Closed,
  Count,
  DigestField,
  PartyName,
  PersonId,
  Text,
  Timestamp,
  Title,
  fromTimestamp,
  toTimestamp
} from './fields.js';
export { parseStrictJson } from './json.js';
export {
  AttemptKey,
  PublicKey,
  Recipient,
  type SigningKey,
  generateSigningKey,
  signBytes,
  signingKey
} from './keys.js';

export { canonicalJson } from './canonical.js';
export { type DocumentKind, type ReadDocument, checkSchema } from './document.js';
export { Envelope, openEnvelope, preAuthenticationEncoding, signEnvelope } from './dsse.js';
export { type Ed25519Provider, useEd25519 } from './ed25519.js';
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
  publicKeyFromBytes,
  signBytes,
  signingKey,
  verifyBytes
} from './keys.js';

import type { Static } from 'typebox';
import { Base64, Closed } from '../documents/fields.js';

/**
 * An HPKE ciphertext (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM. Both parts are base64.
 */
export const HpkeCiphertext = Closed({ encapsulated: Base64, ciphertext: Base64 });
export type HpkeCiphertext = Static<typeof HpkeCiphertext>;

import { Type } from 'typebox';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import { fromBase64Url, fromUtf8, type Digest } from '@clean-room/protocol/bytes';
import { DigestField, checkSchema } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { TokenOptions } from '../launcher/launcher.js';

/** What a supervisor reads from a token about itself. Its roots are judged by those who release keys, and by policies. */
export interface OwnToken {
  readonly token: string;
  readonly order: TokenOptions;
  /** Digest of the image that this very program runs from. */
  readonly image: Digest;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  /** Whether anything in it says that no TEE stands behind it. */
  readonly simulated: boolean;
}

const Claims = Type.Object({
  iss: Type.String(),
  aud: Type.String(),
  iat: Type.Integer({ minimum: 0, maximum: 253402300799 }),
  eat_nonce: Type.Union([Type.String(), Type.Array(Type.String())]),
  hwmodel: Type.String(),
  submods: Type.Object({ container: Type.Object({ image_digest: DigestField }) })
});

/**
 * Reads a token that was just ordered. That it answers this order shows that it is fresh: no one could know the nonce.
 * @throws CleanRoomError `attestation-refused`
 */
export function readOwnToken(token: string, order: TokenOptions): OwnToken {
  let claims;
  try {
    const payload = token.split('.')[1] ?? '';
    claims = checkSchema(Claims, JSON.parse(fromUtf8(fromBase64Url(payload))), 'token');
  } catch (cause) {
    throw new CleanRoomError('attestation-refused', 'The launcher gave something that is no token.', {
      cause
    });
  }
  if (claims.aud !== order.audience || ![claims.eat_nonce].flat().includes(order.nonce)) {
    throw new CleanRoomError('attestation-refused', 'The launcher gave a token that nobody ordered.');
  }
  return {
    token,
    order,
    image: claims.submods.container.image_digest,
    issuedAt: claims.iat,
    simulated: claims.iss === SIMULATOR_ISSUER || claims.hwmodel === SIMULATED_HARDWARE
  };
}

import { digestOf } from '@clean-room/protocol/bytes';
import { GOOGLE_ISSUER, SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import {
  makeChain,
  pkiHeader,
  productionPayload,
  signToken
} from '../../../../packages/protocol/test/attestation/support/authority.js';
import type { TokenOptions } from '../../src/launcher/launcher.js';

const chain = makeChain();

/** Digest of the root certificate that the tokens of these tests chain to. */
export const ROOT = digestOf(chain[2]);

export interface MachineClaims {
  readonly image: string;
  readonly issuedAt: Date;
  readonly simulated: boolean;
  /** Changes the claims before they are signed. */
  readonly change?: (payload: ReturnType<typeof productionPayload>) => void;
}

/** A token as a launcher gives it, of a simulated machine or of one that says it is hardware. */
export function makeToken(order: TokenOptions, claims: MachineClaims): string {
  const payload = productionPayload();
  const iat = Math.floor(claims.issuedAt.getTime() / 1000);
  Object.assign(payload, {
    iat,
    nbf: iat,
    exp: iat + 3600,
    aud: order.audience,
    eat_nonce: order.nonce,
    iss: claims.simulated ? SIMULATOR_ISSUER : GOOGLE_ISSUER,
    hwmodel: claims.simulated ? SIMULATED_HARDWARE : 'GCP_INTEL_TDX'
  });
  payload.submods.container.image_digest = claims.image;
  claims.change?.(payload);
  return signToken(pkiHeader(chain), payload);
}

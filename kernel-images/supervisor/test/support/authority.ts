import { digestOf } from '@clean-room/protocol/bytes';
import { GOOGLE_ISSUER, SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import {
  makeChain,
  pkiHeader,
  productionPayload,
  signToken
} from '../../../../packages/protocol/test/attestation/support/authority.js';
import type { TokenOptions } from '../../src/attestation/launcher.js';

const chain = makeChain();

/** Digest of the root certificate of these tests' tokens. */
export const ROOT = digestOf(chain[2]);

/** The claims of a token about a test machine. */
export interface MachineClaims {
  readonly image: string;
  readonly issuedAt: Date;
  readonly simulated: boolean;
  /** Changes other claims before the token is signed. */
  readonly change?: (payload: ReturnType<typeof productionPayload>) => void;
}

/** Returns a launcher's token about a simulated machine, or about one that claims to be hardware. */
export function makeToken(options: TokenOptions, claims: MachineClaims): string {
  const payload = productionPayload();
  const iat = Math.floor(claims.issuedAt.getTime() / 1000);
  Object.assign(payload, {
    iat,
    nbf: iat,
    exp: iat + 3600,
    aud: options.audience,
    eat_nonce: options.nonce,
    iss: claims.simulated ? SIMULATOR_ISSUER : GOOGLE_ISSUER,
    hwmodel: claims.simulated ? SIMULATED_HARDWARE : 'GCP_INTEL_TDX'
  });
  payload.submods.container.image_digest = claims.image;
  claims.change?.(payload);
  return signToken(pkiHeader(chain), payload);
}

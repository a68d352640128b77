import { decodeJwt, decodeProtectedHeader } from 'jose';
import { SIMULATOR_ISSUER, type PkiRoot } from '../attestation/trust.js';
import { digestOf } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';

/** What a token says of itself before anything about it is checked. Good for choosing what to check against, no more. */
export interface Claimed {
  readonly issuedAt: Date;
  /** The root that the token brings along: believing it makes a token consistent with itself, and nothing else. */
  readonly ownRoot: PkiRoot | undefined;
}

export function claimedBy(token: string): Claimed {
  try {
    const { iat, iss } = decodeJwt(token);
    const root = decodeProtectedHeader(token).x5c?.[2];
    const ownRoot = root === undefined ? undefined : digestOf(fromBase64(root));
    return {
      issuedAt: new Date((iat ?? 0) * 1000),
      ownRoot: ownRoot && { sha256: ownRoot, kind: iss === SIMULATOR_ISSUER ? 'simulated' : 'hardware' }
    };
  } catch {
    // Not a token at all: token verification says so in its own words.
    return { issuedAt: new Date(0), ownRoot: undefined };
  }
}

import type { JWK } from 'jose';
import type { Digest } from '../bytes/digest.js';

/** The issuer of all Confidential Space tokens, OIDC and PKI. It has no trailing slash. */
export const GOOGLE_ISSUER = 'https://confidentialcomputing.googleapis.com';

/** The issuer of simulated tokens. Names under `.invalid` never resolve, so no server can have this name. */
export const SIMULATOR_ISSUER = 'https://simulator.invalid';

/** The claim `hwmodel` of simulated tokens. */
export const SIMULATED_HARDWARE = 'SIMULATED';

/** A trusted root certificate for PKI tokens, identified by the digest of its DER bytes. */
export interface PkiRoot {
  readonly sha256: Digest;
  readonly kind: 'hardware' | 'simulated';
}

/** The public keys of an issuer of OIDC tokens: {@link GOOGLE_ISSUER} or {@link SIMULATOR_ISSUER}. Other issuers are never accepted. */
export interface IssuerKeys {
  readonly issuer: string;
  readonly keys: readonly JWK[];
}

/** The roots and keys that a verification trusts. They are always given by the caller: neither a token nor a URL can add to them. */
export interface AttestationTrust {
  readonly pkiRoots: readonly PkiRoot[];
  readonly jwks?: readonly IssuerKeys[];
}

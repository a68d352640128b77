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

/** The "Confidential Space Root CA": RSA-4096, valid until 2034-01-16. Google changes the intermediates, so only the root is pinned. */
export const GOOGLE_ROOT: PkiRoot = {
  sha256: 'sha256:148b293821bb0c6a317f413c8ba475814091cb22d49b9e3c94198db8e8f86c39',
  kind: 'hardware'
};

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

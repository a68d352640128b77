import type { JWK } from 'jose';
import type { Digest } from '../bytes/digest.js';

/** Issuer of every Confidential Space token, OIDC and PKI alike (no trailing slash). */
export const GOOGLE_ISSUER = 'https://confidentialcomputing.googleapis.com';

/** Issuer of the simulator. `.invalid` can never be resolved, so no one can answer in its name. */
export const SIMULATOR_ISSUER = 'https://simulator.invalid';

/** `hwmodel` of a simulated token. */
export const SIMULATED_HARDWARE = 'SIMULATED';

/** A root certificate that chains of PKI tokens may end in, named by the digest of its DER bytes. */
export interface PkiRoot {
  readonly sha256: Digest;
  readonly kind: 'hardware' | 'simulated';
}

/** "Confidential Space Root CA", RSA-4096, valid until 2034-01-16. Intermediates change; only the root is pinned. */
export const GOOGLE_ROOT: PkiRoot = {
  sha256: 'sha256:148b293821bb0c6a317f413c8ba475814091cb22d49b9e3c94198db8e8f86c39',
  kind: 'hardware'
};

/** Public keys of one issuer of OIDC tokens. Only {@link GOOGLE_ISSUER} and {@link SIMULATOR_ISSUER} are ever accepted. */
export interface IssuerKeys {
  readonly issuer: string;
  readonly keys: readonly JWK[];
}

/** Whom to believe. Explicit input of every verification: nothing in a token, and no address, can add to it. */
export interface AttestationTrust {
  readonly pkiRoots: readonly PkiRoot[];
  readonly jwks?: readonly IssuerKeys[];
}

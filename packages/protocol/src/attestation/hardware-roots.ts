import type { Digest } from '../bytes/digest.js';

/** A root certificate of hardware TEEs. */
export interface HardwareRoot {
  /** The digest of the certificate's DER bytes. */
  readonly sha256: Digest;
  readonly kind: 'hardware';
  /** Who owns the root, for people. */
  readonly owner: string;
}

/**
 * The hardware roots that this build accepts. A policy or a verifier can only choose from them, and no option adds one. A build
 * for tests differs from the product in this module only.
 */
export const HARDWARE_ROOTS: readonly [HardwareRoot, ...HardwareRoot[]] = [
  {
    // The "Confidential Space Root CA": RSA-4096, valid until 2034-01-16. Google changes the intermediates, so only the root is pinned.
    sha256: 'sha256:148b293821bb0c6a317f413c8ba475814091cb22d49b9e3c94198db8e8f86c39',
    kind: 'hardware',
    owner: 'Google'
  }
];

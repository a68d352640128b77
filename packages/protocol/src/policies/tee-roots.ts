import { HARDWARE_ROOTS } from '../attestation/hardware-roots.js';
import type { AttestationTrust } from '../attestation/trust.js';
import type { TeeRoot } from './policy.js';

/** Returns whether this build accepts a root: every simulator, and the hardware roots that are compiled in. */
function isAccepted({ kind, certificate }: TeeRoot): boolean {
  return kind === 'simulated' || HARDWARE_ROOTS.some(({ sha256 }) => sha256 === certificate);
}

/**
 * Returns the roots of a signed policy, or of a verifier's trust roots, in the form that token verification expects. Hardware roots
 * that this build does not know are left out.
 */
export function attestationTrust(roots: readonly TeeRoot[]): AttestationTrust {
  return {
    pkiRoots: roots.filter(isAccepted).map(({ kind, certificate }) => ({ sha256: certificate, kind }))
  };
}

/** Returns whether all policies accept the simulator. Only then may a simulated token be accepted. */
export function allAcceptSimulator(
  policies: readonly { readonly tee: { readonly roots: readonly TeeRoot[] } }[]
): boolean {
  return policies.every(policy => policy.tee.roots.some(root => root.kind === 'simulated'));
}

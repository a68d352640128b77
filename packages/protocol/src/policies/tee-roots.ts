import type { AttestationTrust } from '../attestation/trust.js';
import type { TeeRoot } from './policy.js';

/** Returns the roots of a signed policy, or of a verifier's trust roots, in the form that token verification expects. */
export function attestationTrust(roots: readonly TeeRoot[]): AttestationTrust {
  return { pkiRoots: roots.map(({ kind, certificate }) => ({ sha256: certificate, kind })) };
}

/** Returns whether all policies accept the simulator. Only then may a simulated token be accepted. */
export function allAcceptSimulator(
  policies: readonly { readonly tee: { readonly roots: readonly TeeRoot[] } }[]
): boolean {
  return policies.every(policy => policy.tee.roots.some(root => root.kind === 'simulated'));
}

import type { AttestationTrust } from '../attestation/trust.js';
import type { TeeRoot } from './policy.js';

/** The roots of a signed policy, or of a verifier's own trust, as token verification takes them. */
export function attestationTrust(roots: readonly TeeRoot[]): AttestationTrust {
  return { pkiRoots: roots.map(({ kind, certificate }) => ({ sha256: certificate, kind })) };
}

/** Whether every one of these policies names the simulator: only then may a simulated token be believed. */
export function allAcceptSimulator(
  policies: readonly { readonly tee: { readonly roots: readonly TeeRoot[] } }[]
): boolean {
  return policies.every(policy => policy.tee.roots.some(root => root.kind === 'simulated'));
}

import { decodeJwt, decodeProtectedHeader } from 'jose';
import { HARDWARE_ROOTS } from '../attestation/hardware-roots.js';
import type { TokenAppraisal } from '../attestation/steps.js';
import { SIMULATOR_ISSUER, type AttestationTrust, type PkiRoot } from '../attestation/trust.js';
import { verifyToken } from '../attestation/verify.js';
import { digestOf } from '../bytes/digest.js';
import { fromBase64 } from '../bytes/encoding.js';
import { allAcceptSimulator, attestationTrust } from '../policies/tee-roots.js';
import { RUN_AUDIENCE, runNonce } from '../runs/run-statement.js';
import type { ReceiptEvidence } from './evidence.js';
import type { TrustRoots } from './receipt.js';

/** Unverified contents of a token. They may only be used to choose the keys and values that the token is verified against. */
interface UnverifiedToken {
  readonly issuedAt: Date;
  /** The root certificate in the token itself. Trusting it shows only that the token is consistent. */
  readonly ownRoot: PkiRoot | undefined;
}

function peekToken(token: string): UnverifiedToken {
  try {
    const { iat, iss } = decodeJwt(token);
    const root = decodeProtectedHeader(token).x5c?.[2];
    const ownRoot = root === undefined ? undefined : digestOf(fromBase64(root));
    return {
      issuedAt: new Date((iat ?? 0) * 1000),
      ownRoot: ownRoot && { sha256: ownRoot, kind: iss === SIMULATOR_ISSUER ? 'simulated' : 'hardware' }
    };
  } catch {
    // It is not a token. `verifyToken` reports this as a failed step.
    return { issuedAt: new Date(0), ownRoot: undefined };
  }
}

/** Returns when a token claims to have been issued. The claim is not verified. */
export function claimedIssueTime(token: string): Date {
  return peekToken(token).issuedAt;
}

/** Returns who owns the hardware root that a token's certificates lead to, or undefined if it is Google's. */
export function otherRootOf({ root }: TokenAppraisal): string | undefined {
  if (root === undefined || root.kind !== 'hardware') return undefined;
  const owner = HARDWARE_ROOTS.find(({ sha256 }) => sha256 === root.sha256)?.owner ?? 'an unknown owner';
  return owner === 'Google' ? undefined : owner;
}

/** Returns the verifier's own TEE roots. Without trust roots, the token's own root; the check `token` then says so. */
function tokenTrust(token: string, trust: TrustRoots | undefined): AttestationTrust {
  if (trust !== undefined) return attestationTrust(trust.tee);
  const { ownRoot } = peekToken(token);
  return { pkiRoots: ownRoot === undefined ? [] : [ownRoot] };
}

/**
 * Verifies a receipt's token: it must be for the receipt's run statement and image. A simulated token is accepted only if every
 * policy accepts the simulator.
 */
export function verifyRunToken(
  { receipt, policies, statement }: ReceiptEvidence,
  trust: TrustRoots | undefined,
  at: Date
): Promise<TokenAppraisal> {
  return verifyToken(receipt.token, {
    profile: 'production',
    at,
    trust: tokenTrust(receipt.token, trust),
    acceptSimulator: allAcceptSimulator(policies.map(policy => policy.value)),
    expect: {
      audience: RUN_AUDIENCE,
      nonces: [runNonce(statement.digest)],
      imageDigest: statement.value.predicate.image,
      env: {}
    }
  });
}

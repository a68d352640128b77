import { verifyToken } from '@clean-room/protocol/attestation';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { attestationTrust, satisfiesTeeRule, type Policy } from '@clean-room/protocol/policies';
import type { TrustedAsset } from './documents.js';
import type { OwnToken } from './own-token.js';

/** What was sealed for a simulation stays in simulations, and what was sealed for hardware never gets into one. */
function requireSealedForThis(assets: readonly TrustedAsset[], own: OwnToken): void {
  const wanted = own.simulated ? 'simulation' : 'hardware';
  const other = assets.find(asset => asset.version.value.sealedFor !== wanted);
  if (other !== undefined) {
    throw new CleanRoomError(
      'attestation-refused',
      `${other.pinned.name} is sealed for ${other.version.value.sealedFor}; this is ${own.simulated ? 'a simulation' : 'hardware'}.`
    );
  }
}

async function requirePolicy(policy: Policy, own: OwnToken): Promise<void> {
  const verdict = await verifyToken(own.token, {
    profile: 'production',
    at: new Date(own.issuedAt * 1000),
    trust: attestationTrust(policy.tee.roots),
    acceptSimulator: policy.tee.roots.some(root => root.kind === 'simulated'),
    expect: { audience: own.order.audience, nonces: [own.order.nonce], imageDigest: own.image }
  });
  if (!verdict.ok || verdict.claims === undefined) {
    const failed = verdict.steps.find(step => step.status === 'fail');
    throw new CleanRoomError(
      'attestation-refused',
      `The policy of ${policy.asset} does not accept this machine.`,
      {
        details: { step: failed?.id ?? '', code: failed?.code ?? '' }
      }
    );
  }
  if (!satisfiesTeeRule(policy.tee.rule, verdict.claims)) {
    throw new CleanRoomError(
      'attestation-refused',
      `The TEE rule of ${policy.asset} does not accept this machine.`
    );
  }
}

/**
 * Judges this machine as its custodians will. They don't rely on it (a machine that lies about itself would lie here as
 * well); it tells early, and in words, what would otherwise be a refused key.
 * @throws CleanRoomError `attestation-refused`
 */
export async function requireTee(assets: readonly TrustedAsset[], own: OwnToken): Promise<void> {
  requireSealedForThis(assets, own);
  for (const asset of assets) await requirePolicy(asset.policy.value, own);
}

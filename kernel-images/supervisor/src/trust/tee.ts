import { verifyToken } from '@clean-room/protocol/attestation';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { attestationTrust, satisfiesTeeRule, type Policy } from '@clean-room/protocol/policies';
import type { OwnToken } from '../attestation/own-token.js';
import type { TrustedAsset } from './documents.js';

/** Throws when data that was sealed for a simulation would be opened on hardware, or the reverse. */
function requireSealedForThis(assets: readonly TrustedAsset[], own: OwnToken): void {
  const expected = own.simulated ? 'simulation' : 'hardware';
  const other = assets.find(asset => asset.version.value.sealedFor !== expected);
  if (other !== undefined) {
    throw new CleanRoomError(
      'attestation-refused',
      `${other.pinned.name} is sealed for ${other.version.value.sealedFor}, but this machine is ${own.simulated ? 'a simulation' : 'hardware'}.`
    );
  }
}

/** Throws when this machine's token does not satisfy the roots and the TEE rule of a policy. */
async function requirePolicy(policy: Policy, own: OwnToken): Promise<void> {
  const verdict = await verifyToken(own.token, {
    profile: 'production',
    at: new Date(own.issuedAt * 1000),
    trust: attestationTrust(policy.tee.roots),
    acceptSimulator: policy.tee.roots.some(root => root.kind === 'simulated'),
    expect: { audience: own.options.audience, nonces: [own.options.nonce], imageDigest: own.image }
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
      `This machine does not satisfy the TEE rule in the policy of ${policy.asset}.`
    );
  }
}

/**
 * Verifies this machine as its custodians will do. They do not rely on this check, because a dishonest machine would
 * skip it. It reports early and clearly what would otherwise be a refused key release.
 *
 * @throws CleanRoomError `attestation-refused`
 */
export async function requireTee(assets: readonly TrustedAsset[], own: OwnToken): Promise<void> {
  requireSealedForThis(assets, own);
  for (const asset of assets) await requirePolicy(asset.policy.value, own);
}

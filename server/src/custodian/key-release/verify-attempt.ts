import { verifyToken, type TokenAppraisal } from '@clean-room/protocol/attestation';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  KEY_REQUEST_TOKEN_SECONDS,
  keyRequestAudience,
  keyRequestNonce
} from '@clean-room/protocol/key-release';
import { readImageConfig } from '@clean-room/protocol/packaging';
import { attestationTrust, requireTerms, satisfiesTeeRule } from '@clean-room/protocol/policies';
import type { CustodianContext } from '../context.js';
import type { ProvisionedAsset } from '../datasets/registry.js';
import type { RequestEvidence } from './evidence.js';

/** Returns the arguments that the program must have been started with: the kernel image's own entry point. */
function expectedArguments({ kernelImages }: CustodianContext, { spec }: RequestEvidence): readonly string[] {
  const image = kernelImages.find(({ digest }) => digest === spec.value.kernelImage);
  if (image === undefined)
    throw new CleanRoomError('policy-refused', 'This custodian does not know the kernel image.');
  return readImageConfig(image.config).value.config.Entrypoint;
}

/** Lists the failed checks of a token by their codes. Claims are not quoted, because an attacker may have chosen them. */
function failedChecks(appraisal: TokenAppraisal): string {
  return appraisal.steps
    .flatMap(({ status, code, id }) => (status === 'fail' ? [`${id} (${code ?? 'failed'})`] : []))
    .join(', ');
}

/** The verdict on a token: accepted, or too old to prove that the attempt is still running. */
export type TokenAge = 'fresh' | 'stale';

/**
 * Verifies the token for one asset. Data that is sealed for simulation never goes to a real TEE, nor the reverse: only the
 * roots of the asset's own kind are accepted, and the token must be of that kind.
 *
 * @returns undefined when the token is valid but too old
 */
async function verifyTokenFor(
  context: CustodianContext,
  evidence: RequestEvidence,
  token: string,
  asset: ProvisionedAsset
): Promise<TokenAppraisal | undefined> {
  const { roots } = asset.policy.value.tee;
  const simulation = asset.version.value.sealedFor === 'simulation';
  const accepted = roots.filter(({ kind }) => (kind === 'simulated') === simulation);
  const appraisal = await verifyToken(token, {
    profile: 'production',
    at: context.now(),
    trust: attestationTrust(accepted),
    acceptSimulator: simulation && accepted.length > 0,
    expect: {
      audience: keyRequestAudience(context.keys.publicKey),
      nonces: [keyRequestNonce(evidence.request)],
      imageDigest: evidence.request.value.image,
      args: expectedArguments(context, evidence),
      env: {},
      maxAgeSeconds: KEY_REQUEST_TOKEN_SECONDS
    }
  });
  const failed = appraisal.steps.filter(({ status }) => status === 'fail');
  if (failed.length === 1 && failed[0]?.code === 'token-too-old') return undefined;
  if (!appraisal.ok) {
    throw new CleanRoomError(
      'attestation-refused',
      `The attestation token failed these checks: ${failedChecks(appraisal)}.`
    );
  }
  if (appraisal.simulated !== simulation) {
    const { name, sealedFor } = asset.version.value;
    throw new CleanRoomError(
      'attestation-refused',
      `${name} is sealed for ${sealedFor}, but the token is from ${appraisal.simulated ? 'the simulator' : 'hardware'}.`
    );
  }
  return appraisal;
}

/**
 * Checks that keys may be released to the attempt that sent a request, before its token is known. Under every policy of this
 * provider, the terms and the sandbox profile must be satisfied.
 *
 * @throws CleanRoomError `policy-refused`, `expired`
 */
export function requireAllowedAttempt(context: CustodianContext, evidence: RequestEvidence): void {
  for (const { policy } of evidence.assets) {
    requireTerms(policy.value, {
      collaboration: evidence.collaboration,
      party: evidence.record.submitter_root_key,
      purpose: evidence.spec.value.purpose,
      kernelImage: evidence.spec.value.kernelImage,
      hosting: context.config.hosting,
      at: context.now()
    });
    if (!policy.value.tee.sandboxProfiles.includes(evidence.request.value.sandboxProfile)) {
      throw new CleanRoomError(
        'policy-refused',
        `The policy of ${policy.value.asset} does not accept the attempt’s sandbox profile.`
      );
    }
  }
}

/**
 * Verifies the token of an attempt, and the TEE rule of every policy of this provider.
 *
 * @returns `stale` when everything is right, but the token is too old
 * @throws CleanRoomError `attestation-refused`, `policy-refused`
 */
export async function verifyAttemptToken(
  context: CustodianContext,
  evidence: RequestEvidence,
  token: string
): Promise<TokenAge> {
  for (const asset of evidence.assets) {
    const policy = asset.policy.value;
    const appraisal = await verifyTokenFor(context, evidence, token, asset);
    if (appraisal === undefined) return 'stale';
    if (appraisal.claims === undefined || !satisfiesTeeRule(policy.tee.rule, appraisal.claims)) {
      throw new CleanRoomError(
        'policy-refused',
        `The attestation does not satisfy the TEE rule of ${policy.asset}.`
      );
    }
  }
  return 'fresh';
}

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
import type { ProvisionedAsset } from '../datasets/registry/registry.js';
import type { RequestEvidence } from './evidence.js';

function refuse(message: string): never {
  throw new CleanRoomError('attestation-refused', message);
}

function argumentsOf({ kernelImages }: CustodianContext, { spec }: RequestEvidence): readonly string[] {
  const image = kernelImages.find(({ digest }) => digest === spec.value.kernelImage);
  if (image === undefined) throw new CleanRoomError('policy-refused', 'The kernel image is not known here.');
  return readImageConfig(image.config).value.config.Entrypoint;
}

/** Why a token was refused, by the codes of its failed steps alone: it may quote claims that somebody else chose. */
function reasonsOf(verdict: TokenAppraisal): string {
  return verdict.steps
    .flatMap(({ status, code, id }) => (status === 'fail' ? [`${id} (${code ?? 'failed'})`] : []))
    .join(', ');
}

/** Data that is sealed for simulation never goes to a real TEE, nor the reverse: the roots differ, and so must the token. */
async function judgeToken(
  context: CustodianContext,
  evidence: RequestEvidence,
  asset: ProvisionedAsset
): Promise<TokenAppraisal> {
  const { roots } = asset.policy.value.tee;
  const simulation = asset.version.value.sealedFor === 'simulation';
  const fitting = roots.filter(({ kind }) => (kind === 'simulated') === simulation);
  const verdict = await verifyToken(evidence.token, {
    profile: 'production',
    at: context.now(),
    trust: attestationTrust(fitting),
    acceptSimulator: simulation && fitting.length > 0,
    expect: {
      audience: keyRequestAudience(context.keys.publicKey),
      nonces: [keyRequestNonce(evidence.request)],
      imageDigest: evidence.request.value.image,
      args: argumentsOf(context, evidence),
      env: {},
      maxAgeSeconds: KEY_REQUEST_TOKEN_SECONDS
    }
  });
  if (!verdict.ok) refuse(`The attestation token is refused: ${reasonsOf(verdict)}.`);
  if (verdict.simulated !== simulation) {
    refuse(
      `${asset.version.value.name} is sealed for ${asset.version.value.sealedFor}, and the token is of the other kind.`
    );
  }
  return verdict;
}

/**
 * Whether keys may go to the attempt behind a request: under every policy of this provider, the token, its TEE rule, the
 * sandbox profile and the standing terms must hold.
 * @throws CleanRoomError `attestation-refused`, `policy-refused`, `expired`
 */
export async function requireTrustworthyAttempt(
  context: CustodianContext,
  evidence: RequestEvidence
): Promise<void> {
  for (const asset of evidence.assets) {
    const policy = asset.policy.value;
    requireTerms(policy, {
      collaboration: evidence.collaboration.value,
      party: evidence.record.submitter_root,
      purpose: evidence.spec.value.purpose,
      kernelImage: evidence.spec.value.kernelImage,
      hosting: context.config.hosting,
      at: context.now()
    });
    if (!policy.tee.sandboxProfiles.includes(evidence.request.value.sandboxProfile)) {
      throw new CleanRoomError(
        'policy-refused',
        `The policy of ${policy.asset} does not accept the sandbox profile.`
      );
    }
    const { claims } = await judgeToken(context, evidence, asset);
    if (claims === undefined || !satisfiesTeeRule(policy.tee.rule, claims)) {
      throw new CleanRoomError('policy-refused', `The TEE rule of ${policy.asset} says no.`);
    }
  }
}

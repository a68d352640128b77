import type { Envelope, ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import type { TreeHead } from '@clean-room/protocol/log';
import type { Collaboration } from '@clean-room/protocol/parties';
import {
  requireTerms,
  strictestTerms,
  type SandboxProfile,
  type StrictestTerms
} from '@clean-room/protocol/policies';
import type { Spec } from '@clean-room/protocol/submissions';
import type { OwnToken } from '../attestation/own-token.js';
import { verifyAssets, verifyCollaboration, verifySubmitter, type TrustedAsset } from './documents.js';
import { verifyKernelImage } from './kernel-image.js';
import { verifyProviders, type TrustedProvider } from './providers.js';
import { requireTee } from './tee.js';

/** The facts that a job is verified against, from the measured image and the supervisor's own token. */
export interface JobFacts {
  readonly spec: ReadDocument<Spec>;
  readonly own: OwnToken;
  /** The sandbox profile whose probe has passed. */
  readonly profile: SandboxProfile;
  /** Time of the verification. */
  readonly at: Date;
}

/** A job whose documents have all been verified against the spec. */
export interface TrustedJob {
  readonly collaboration: Envelope;
  readonly assets: readonly TrustedAsset[];
  readonly providers: readonly TrustedProvider[];
  readonly terms: StrictestTerms;
  readonly logHead: TreeHead;
}

/** Throws when the terms of any policy do not allow this run. */
function requirePolicyTerms(
  facts: JobFacts,
  collaboration: ReadDocument<Collaboration>,
  party: string,
  providers: readonly TrustedProvider[]
): void {
  const { purpose, kernelImage } = facts.spec.value;
  for (const { assets, hosting } of providers) {
    for (const { policy } of assets) {
      requireTerms(policy.value, {
        collaboration,
        party,
        purpose,
        kernelImage,
        hosting,
        at: facts.at
      });
    }
  }
}

/**
 * Verifies a job document. The untrusted operator supplies it and may choose the addresses in it, but not the content
 * that they refer to.
 *
 * @throws CleanRoomError with the code of the first check that fails
 */
export async function verifyJob(job: JobDocument, facts: JobFacts): Promise<TrustedJob> {
  const { spec, own, at, profile } = facts;
  const collaboration = verifyCollaboration(spec.value, job.collaboration);
  const party = verifySubmitter(spec.value, collaboration.value, job.submitterRoster);
  const assets = verifyAssets(spec.value, job.assets);
  const policies = assets.map(asset => asset.policy.value);
  verifyKernelImage(spec.value, job.kernelImage, assets);
  const providers = verifyProviders(assets, job.approvals, {
    spec,
    image: own.image,
    collaboration,
    assets: assets.map(asset => asset.version),
    at
  });
  requirePolicyTerms(facts, collaboration, party, providers);
  const terms = strictestTerms(policies);
  if (!terms.sandboxProfiles.includes(profile)) {
    throw new CleanRoomError('policy-refused', `The providers do not accept the sandbox profile ${profile}.`);
  }
  await requireTee(assets, own);
  return { collaboration: job.collaboration, assets, providers, terms, logHead: job.logHead };
}

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
import { trustAssets, trustCollaboration, trustSubmitter, type TrustedAsset } from './documents.js';
import { trustKernelImage } from './kernel-image.js';
import type { OwnToken } from './own-token.js';
import { trustProviders, type TrustedProvider } from './providers.js';
import { requireTee } from './tee.js';

/** What the supervisor knows by itself, from the measured image and from its own token. */
export interface JobFacts {
  readonly spec: ReadDocument<Spec>;
  readonly own: OwnToken;
  /** The sandbox profile whose probe has passed. */
  readonly profile: SandboxProfile;
  readonly at: Date;
}

/** A job whose every document was checked against what the spec pins. */
export interface TrustedJob {
  readonly collaboration: Envelope;
  readonly assets: readonly TrustedAsset[];
  readonly providers: readonly TrustedProvider[];
  readonly terms: StrictestTerms;
  readonly logHead: TreeHead;
}

function requireStandingTerms(
  facts: JobFacts,
  collaboration: Collaboration,
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
        kernelImage: kernelImage,
        hosting,
        at: facts.at
      });
    }
  }
}

/**
 * Judges a job: it comes from the operator, who may say where things are and never what they are.
 * @throws CleanRoomError with the code of the first check that fails
 */
export async function verifyJob(job: JobDocument, facts: JobFacts): Promise<TrustedJob> {
  const { spec, own, at, profile } = facts;
  const collaboration = trustCollaboration(spec.value, job.collaboration);
  const party = trustSubmitter(spec.value, collaboration.value, job.submitterRoster);
  const assets = trustAssets(spec.value, job.assets);
  const policies = assets.map(asset => asset.policy.value);
  trustKernelImage(spec.value, job.kernelImage, policies);
  const providers = trustProviders(assets, job.approvals, {
    spec,
    image: own.image,
    collaboration,
    assets: assets.map(asset => asset.version),
    at
  });
  requireStandingTerms(facts, collaboration.value, party, providers);
  const terms = strictestTerms(policies);
  if (!terms.sandboxProfiles.includes(profile)) {
    throw new CleanRoomError('policy-refused', `The providers do not accept the sandbox profile ${profile}.`);
  }
  await requireTee(assets, own);
  return { collaboration: job.collaboration, assets, providers, terms, logHead: job.logHead };
}

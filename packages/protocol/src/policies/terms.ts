import type { Digest } from '../bytes/digest.js';
import { fromTimestamp } from '../documents/fields.js';
import { CleanRoomError } from '../errors/index.js';
import { providerOf } from '../assets/asset.js';
import type { ReadDocument } from '../documents/document.js';
import type { Collaboration } from '../parties/collaboration.js';
import type { Hosting } from '../parties/roster.js';
import type { Policy } from './policy.js';

/** The facts about a submission that a policy is evaluated against. */
export interface PolicyFacts {
  readonly collaboration: Pick<ReadDocument<Collaboration>, 'value' | 'digest'>;
  /** The root key of the submitter's party. */
  readonly party: string;
  readonly purpose: string;
  readonly kernelImage: Digest;
  /** The place where the provider's custodian runs. */
  readonly hosting: Hosting;
  readonly at: Date;
}

/**
 * Checks that a policy's terms allow a submission. Coordinator, custodian, supervisor and receipt verifier all call this
 * function. The TEE rule and the output terms are checked elsewhere, when there is a token or an output.
 *
 * @throws CleanRoomError `policy-refused` with the first term that does not allow it
 * @throws CleanRoomError `expired`
 */
export function requireTerms(policy: Policy, facts: PolicyFacts): void {
  const throwRefused = (reason: string, remedy: string): never => {
    throw new CleanRoomError(
      'policy-refused',
      `The policy of ${policy.asset} does not allow this: ${reason}.`,
      { remedy }
    );
  };
  const { value: collaboration, digest } = facts.collaboration;
  if (policy.collaboration !== digest) {
    throwRefused(
      'it belongs to another collaboration',
      'Submit in the collaboration that the provider has named, or ask the provider to name yours.'
    );
  }
  const provider = providerOf(policy.asset);
  if (!collaboration.members.some(({ party }) => party === provider)) {
    throwRefused(
      `${provider} is not a member of the collaboration`,
      'Ask the parties to agree on a collaboration with this provider.'
    );
  }
  if (!policy.parties.includes(facts.party)) {
    throwRefused('it does not allow your party', 'Ask the provider to add your party.');
  }
  if (!policy.purposes.includes(facts.purpose) || !collaboration.purposes.includes(facts.purpose)) {
    throwRefused('it does not allow this purpose', `Choose one of: ${policy.purposes.join('; ')}.`);
  }
  if (!policy.kernelImages.digests.includes(facts.kernelImage)) {
    throwRefused('it does not allow this kernel image', 'Submit with a kernel image that the policy lists.');
  }
  if (facts.hosting === 'co-hosted' && !policy.coHosted) {
    throwRefused(
      'its custodian must not share a host with the coordinator',
      'Ask the provider to run its own custodian.'
    );
  }
  const end = [policy.validUntil, collaboration.ends].map(fromTimestamp).find(time => time <= facts.at);
  if (end !== undefined) {
    throw new CleanRoomError(
      'expired',
      `The policy of ${policy.asset} expired on ${end.toISOString().slice(0, 10)}.`,
      {
        remedy: 'Ask the provider to extend it.'
      }
    );
  }
}

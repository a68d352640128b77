import type { Digest } from '../bytes/digest.js';
import { fromTimestamp } from '../documents/fields.js';
import { CleanRoomError } from '../errors/index.js';
import type { Collaboration } from '../parties/collaboration.js';
import type { Hosting } from '../parties/roster.js';
import type { Policy } from './policy.js';

/** What is asked of a policy before anything is given under it. */
export interface PolicyFacts {
  readonly collaboration: Collaboration;
  /** Root key of the submitter's party. */
  readonly party: string;
  readonly purpose: string;
  readonly kernelImage: Digest;
  readonly hosting: Hosting;
  readonly at: Date;
}

/**
 * Whether a policy's standing terms allow what is asked. Coordinator, custodian, supervisor and verifier call this one
 * function; attestation and outputs are judged apart, when there are any.
 * @throws CleanRoomError `policy-refused` with the first term that says no, or `expired`
 */
export function requireTerms(policy: Policy, asked: PolicyFacts): void {
  const refuse = (reason: string, remedy: string): never => {
    throw new CleanRoomError(
      'policy-refused',
      `The policy of ${policy.asset} does not allow it: ${reason}.`,
      { remedy }
    );
  };
  if (!asked.collaboration.assets.includes(policy.asset)) {
    refuse(
      'the collaboration does not speak of this dataset',
      'Ask the parties to add it to their collaboration.'
    );
  }
  if (!policy.parties.includes(asked.party)) {
    refuse('it is not open to your party', 'Ask the provider to add your party.');
  }
  if (!policy.purposes.includes(asked.purpose) || !asked.collaboration.purposes.includes(asked.purpose)) {
    refuse('it is not open for this purpose', `Choose one of: ${policy.purposes.join('; ')}.`);
  }
  if (!policy.kernelImages.digests.includes(asked.kernelImage)) {
    refuse('it does not know this kernel image', 'Submit with a kernel image that the policy lists.');
  }
  if (asked.hosting === 'co-hosted' && !policy.coHosted) {
    refuse(
      'its custodian must not share a host with the coordinator',
      'Ask the provider to run its own custodian.'
    );
  }
  const end = [policy.validUntil, asked.collaboration.ends]
    .map(fromTimestamp)
    .find(moment => moment <= asked.at);
  if (end !== undefined) {
    throw new CleanRoomError(
      'expired',
      `The policy of ${policy.asset} ended on ${end.toISOString().slice(0, 10)}.`,
      {
        remedy: 'Ask the provider to extend it.'
      }
    );
  }
}

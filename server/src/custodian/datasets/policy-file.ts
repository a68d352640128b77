import { fromTimestamp, type ReadDocument } from '@clean-room/protocol/documents';
import type { PolicyFile } from '@clean-room/api/custodian';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { simulationOnlyReason } from '@clean-room/protocol/approvals';
import { rootKeyOf, type Collaboration } from '@clean-room/protocol/parties';
import { satisfiesTeeRule, type Policy } from '@clean-room/protocol/policies';
import type { SealedFor } from '@clean-room/protocol/assets';

/** The facts that a policy file is checked against. */
export interface PolicyContext {
  readonly asset: string;
  readonly version: number;
  readonly collaboration: ReadDocument<Collaboration>;
  /** Whether this custodian shares process, database, user or host with the coordinator. */
  readonly coHosted: boolean;
  /** Whether this custodian takes people at their word. */
  readonly demo: boolean;
  readonly now: Date;
}

function unsuitable(reason: string, remedy: string): CleanRoomError {
  return new CleanRoomError('malformed', `The policy cannot be signed: ${reason}.`, { remedy });
}

/**
 * Returns the kind of TEE that data under this policy is sealed for. A policy cannot name both kinds of root, because a
 * laptop could then be accepted in place of a machine with hardware protection.
 *
 * @throws CleanRoomError `malformed`
 */
export function sealedFor({ tee: { roots } }: Pick<PolicyFile, 'tee'>): SealedFor {
  const kinds = new Set(roots.map(root => root.kind));
  if (kinds.size > 1) {
    throw unsuitable(
      'it names both hardware roots and simulator roots',
      'Provision the dataset twice, with one policy for each kind.'
    );
  }
  return kinds.has('simulated') ? 'simulation' : 'hardware';
}

/** Checks that a policy agrees with the collaboration and with itself. */
function requireConsistent(file: PolicyFile, context: PolicyContext): void {
  const { outputs } = file;
  const collaboration = context.collaboration.value;
  const unknown = file.purposes.find(purpose => !collaboration.purposes.includes(purpose));
  if (unknown !== undefined) {
    throw unsuitable(
      `the collaboration does not list the purpose "${unknown}"`,
      `Choose from: ${collaboration.purposes.join('; ')}.`
    );
  }
  if (fromTimestamp(file.validUntil) <= context.now)
    throw unsuitable('it has already ended', 'Set a later "validUntil".');
  if (context.coHosted && !file.coHosted) {
    throw unsuitable(
      'it forbids a co-hosted custodian, and this custodian is co-hosted',
      'Run the custodian on a host of its own, or allow "coHosted".'
    );
  }
  const simulationOnly = simulationOnlyReason({ ...context, unattended: false });
  if (simulationOnly !== undefined && sealedFor(file) === 'hardware') {
    throw unsuitable(
      `it is for hardware, which no custodian accepts if ${simulationOnly.replace('its custodian', 'it')}`,
      'Run the custodian apart from the coordinator and without "demo", or name simulator roots.'
    );
  }
  if (outputs.review === 'person') {
    throw unsuitable(
      'it requires a person to review outputs, and this custodian has no page for that yet',
      'Set "review" to "none". Then only the filter decides which outputs are released.'
    );
  }
  if (outputs.bytesPerOutput > outputs.bytesPerRun) {
    throw unsuitable(
      'it allows one output to be larger than all outputs of a run together',
      'Lower "bytesPerOutput", or raise "bytesPerRun".'
    );
  }
  for (const [name, list] of Object.entries({ purposes: file.purposes, mimeTypes: outputs.mimeTypes })) {
    if (new Set<string>(list).size !== list.length)
      throw unsuitable(`"${name}" contains a value twice`, 'Remove one of them.');
  }
  sealedFor(file);
  satisfiesTeeRule(file.tee.rule, {});
}

/**
 * Returns the policy to sign, in which parties are replaced by their root keys in the collaboration.
 * @throws CleanRoomError `malformed`
 */
export function policyFrom(file: PolicyFile, context: PolicyContext): Policy {
  requireConsistent(file, context);
  const members = new Set(context.collaboration.value.members.map(({ rootKey }) => rootKey));
  const parties = file.parties.map(party => {
    const key = party.startsWith('ed25519:') ? party : rootKeyOf(context.collaboration.value, party);
    if (members.has(key)) return key;
    throw unsuitable(`${party} is not a member of the collaboration`, 'Name only members.');
  });
  return {
    ...file,
    format: 'clean-room.policy/v1',
    asset: context.asset,
    version: context.version,
    collaboration: context.collaboration.digest,
    parties
  };
}

import { Type, type Static } from 'typebox';
import {
  PartyName,
  PublicKey,
  checkSchema,
  fromTimestamp,
  parseStrictJson
} from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { rootKeyOf, type Collaboration } from '@clean-room/protocol/parties';
import { Policy, satisfiesTeeRule } from '@clean-room/protocol/policies';
import type { SealedFor } from '@clean-room/protocol/assets';

const { purposes, validUntil, kernelImages, tee, run, outputs, coHosted } = Policy.schema.properties;

/**
 * A policy as a steward writes it: a {@link Policy} without what the custodian knows itself (asset, version), its parties by
 * their names in the collaboration or by their root keys.
 */
export const PolicyFile = Type.Object(
  {
    parties: Type.Array(Type.Union([PartyName, PublicKey]), { minItems: 1, maxItems: 64 }),
    purposes,
    validUntil,
    kernelImages,
    tee,
    run,
    outputs,
    coHosted
  },
  { additionalProperties: false }
);
export type PolicyFile = Static<typeof PolicyFile>;

/** What a policy file is judged against. */
export interface PolicyContext {
  readonly asset: string;
  readonly version: number;
  readonly collaboration: Collaboration;
  /** This custodian's own hosting. */
  readonly coHosted: boolean;
  readonly now: Date;
}

function refuse(reason: string, remedy: string): never {
  throw new CleanRoomError('malformed', `The policy can't be signed: ${reason}.`, { remedy });
}

/** @throws CleanRoomError `malformed`, naming the place */
export function readPolicyFile(bytes: Uint8Array): PolicyFile {
  return checkSchema(PolicyFile, parseStrictJson(bytes), 'policy file');
}

/**
 * Which kind of TEE data under this policy is sealed for. A policy can't name both kinds of root: then a laptop could
 * pass for a machine with hardware protection.
 */
export function sealedFor({ tee: { roots } }: Pick<PolicyFile, 'tee'>): SealedFor {
  const kinds = new Set(roots.map(root => root.kind));
  if (kinds.size > 1) {
    refuse(
      'it names hardware roots and a simulator’s beside each other',
      'Provision twice, with a policy for each.'
    );
  }
  return kinds.has('simulated') ? 'simulation' : 'hardware';
}

function requireSensible(file: PolicyFile, context: PolicyContext): void {
  const { outputs: out, collaboration } = { outputs: file.outputs, collaboration: context.collaboration };
  if (!collaboration.assets.includes(context.asset)) {
    refuse(
      `the collaboration does not speak of ${context.asset}`,
      'Ask the parties to add it to their collaboration.'
    );
  }
  const strange = file.purposes.find(purpose => !collaboration.purposes.includes(purpose));
  if (strange !== undefined) {
    refuse(
      `the purpose "${strange}" is none of the collaboration’s`,
      `Choose from: ${collaboration.purposes.join('; ')}.`
    );
  }
  if (fromTimestamp(file.validUntil) <= context.now)
    refuse('it has already ended', 'Give a later "validUntil".');
  if (context.coHosted && !file.coHosted) {
    refuse(
      'it forbids a co-hosted custodian, and this one is',
      'Run the custodian on a host of its own, or allow "coHosted".'
    );
  }
  if (out.review === 'person') {
    refuse(
      'it asks for a person to review outputs, and this custodian has no page for that yet',
      'Set "review" to "none": the filter alone then decides what leaves.'
    );
  }
  if (out.bytesPerOutput > out.bytesPerRun) {
    refuse('one output may be larger than all of a run', 'Lower "bytesPerOutput", or raise "bytesPerRun".');
  }
  for (const [name, list] of Object.entries({ purposes: file.purposes, mimeTypes: out.mimeTypes })) {
    if (new Set<string>(list).size !== list.length)
      refuse(`"${name}" names something twice`, 'Remove one of them.');
  }
  sealedFor(file);
  satisfiesTeeRule(file.tee.rule, {});
}

/** The policy to sign, parties resolved to the root keys that the collaboration pins. @throws CleanRoomError `malformed` */
export function policyFrom(file: PolicyFile, context: PolicyContext): Policy {
  requireSensible(file, context);
  const members = new Set(context.collaboration.members.map(({ rootKey }) => rootKey));
  const parties = file.parties.map(party => {
    const key = party.startsWith('ed25519:') ? party : rootKeyOf(context.collaboration, party);
    return members.has(key)
      ? key
      : refuse(`${party} is not a member of the collaboration`, 'Name members only.');
  });
  return { ...file, format: 'clean-room.policy/v1', asset: context.asset, version: context.version, parties };
}

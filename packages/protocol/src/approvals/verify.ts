import type { Digest } from '../bytes/digest.js';
import type { ReadDocument } from '../documents/document.js';
import { preAuthenticationEncoding } from '../documents/dsse.js';
import { fromTimestamp } from '../documents/fields.js';
import { CleanRoomError } from '../errors/index.js';
import type { AssetVersion } from '../assets/asset.js';
import { rootKeyOf, type Collaboration } from '../parties/collaboration.js';
import { Roster } from '../parties/roster.js';
import type { Spec } from '../submissions/spec.js';
import { Approval, simulationOnlyReason, type ApprovalBundle } from './approval.js';
import { verifyPasskeyAssertion } from './passkey.js';

/** The documents that an approval is verified against, and the time. */
export interface ApprovalContext {
  readonly spec: ReadDocument<Spec>;
  /** The digest of the image that contains the spec. */
  readonly image: Digest;
  /** The collaboration that the spec names, opened with `openCollaboration`. */
  readonly collaboration: ReadDocument<Collaboration>;
  /** The signed asset versions that the spec names, in any order. */
  readonly assets: readonly ReadDocument<AssetVersion>[];
  /** The time at which the approval must not have expired. */
  readonly at: Date;
}

function throwInvalid(reason: string): never {
  throw new CleanRoomError('approval-invalid', `The approval is not valid: ${reason}.`);
}

/**
 * Verifies a provider's approval of a revision: its signature, the roster, the reviewer's passkey, and that image, spec, assets
 * and policies are those of the spec. It uses only the keys and digests that the spec pins, never names that are resolved at
 * run time. Custodian, supervisor and receipt verifier all call this function.
 *
 * @param provider - the party whose approval it must be
 * @returns the approval
 * @throws CleanRoomError `approval-invalid` when something in it does not match
 * @throws CleanRoomError `signature-invalid` when the custodian or the party did not sign
 * @throws CleanRoomError `expired`
 *
 * @example
 * The hospital's approval of a revision is valid only for its image. The parties and documents are those of this package's
 * tests.
 * ```ts
 * import { verifyApproval } from '@clean-room/protocol/approvals';
 * import { makeWorld } from '../support/world.js';
 *
 * const { approvalValue, bundle, context } = makeWorld();
 * const approval = verifyApproval(bundle(approvalValue), 'hospital', context);
 * console.log(approval.value.reviewer); // dr.ada
 *
 * const image = `sha256:${'0'.repeat(64)}`;
 * try {
 *   verifyApproval(bundle(approvalValue), 'hospital', { ...context, image });
 * } catch (error) {
 *   console.log(error.message); // The approval is not valid: it is for another image.
 * }
 * ```
 */
export function verifyApproval(
  bundle: ApprovalBundle,
  provider: string,
  context: ApprovalContext
): ReadDocument<Approval> {
  const { spec, image, collaboration, assets, at } = context;
  if (collaboration.digest !== spec.value.collaboration)
    throwInvalid('the collaboration is not the one that the spec names');

  const specAssets = spec.value.assets.filter(asset => asset.name.startsWith(`${provider}/`));
  const custodian = specAssets[0]?.custodian;
  if (custodian === undefined) throwInvalid(`the spec uses no asset of ${provider}`);
  if (specAssets.some(asset => asset.custodian !== custodian))
    throwInvalid(`the spec names two custodians of ${provider}`);

  const roster = Roster.open(bundle.roster, rootKeyOf(collaboration.value, provider)).value;
  if (roster.party !== provider) throwInvalid('its roster is of another party');
  if (roster.custodian?.key !== custodian)
    throwInvalid('the custodian is not the one in the provider’s roster');

  const approval = Approval.open(bundle.envelope, custodian);
  const value = approval.value;
  if (value.provider !== provider || value.custodian !== custodian) throwInvalid('it is by another provider');
  if (value.image !== image) throwInvalid('it is for another image');
  if (value.spec !== spec.digest) throwInvalid('it is for another spec');
  const sameAssets =
    value.assets.length === specAssets.length &&
    specAssets.every((asset, index) => {
      const approved = value.assets[index];
      return (
        approved?.name === asset.name &&
        approved.version === asset.version &&
        approved.policy === asset.policy
      );
    });
  if (!sameAssets) throwInvalid('it covers other assets, versions or policies');
  if (fromTimestamp(value.expires) <= at) {
    throw new CleanRoomError('expired', `The approval of ${provider} expired on ${value.expires}.`, {
      remedy: 'Ask the provider to approve again.'
    });
  }

  const reviewer = roster.people.find(person => person.id === value.reviewer);
  if (reviewer === undefined || !reviewer.roles.includes('reviewer'))
    throwInvalid('its reviewer is not in the roster');
  const { demo, hosting } = roster.custodian;
  if (value.demo !== demo || value.coHosted !== (hosting === 'co-hosted'))
    throwInvalid('it describes the custodian differently than the provider’s roster');
  const simulationOnly = simulationOnlyReason(value);
  const simulated = specAssets.every(asset => {
    const version = assets.find(candidate => candidate.digest === asset.version);
    return version?.value.sealedFor === 'simulation';
  });
  if (simulationOnly !== undefined && !simulated)
    throwInvalid(`${simulationOnly}, and the data is not sealed for simulation`);
  if (value.unattended) return approval;
  if (bundle.assertion === undefined) throwInvalid('it has no passkey assertion of the reviewer');
  const { credentialId } = bundle.assertion;
  const passkey = reviewer.passkeys.find(candidate => candidate.credentialId === credentialId);
  if (passkey === undefined) throwInvalid('the passkey is not in the roster');
  verifyPasskeyAssertion(
    bundle.assertion,
    passkey,
    preAuthenticationEncoding(Approval.payloadType, approval.bytes)
  );
  return approval;
}

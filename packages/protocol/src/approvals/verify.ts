import type { Digest } from '../bytes/digest.js';
import type { ReadDocument } from '../documents/document.js';
import { preAuthenticationEncoding } from '../documents/dsse.js';
import { fromTimestamp } from '../documents/fields.js';
import { CleanRoomError } from '../errors/index.js';
import type { AssetVersion } from '../assets/asset.js';
import { rootKeyOf, type Collaboration } from '../parties/collaboration.js';
import { Roster } from '../parties/roster.js';
import type { Spec } from '../submissions/spec.js';
import { Approval, type ApprovalBundle } from './approval.js';
import { verifyPasskeyAssertion } from './passkey.js';

export interface ApprovalContext {
  readonly spec: ReadDocument<Spec>;
  readonly image: Digest;
  /** The collaboration the spec names, opened with {@link openCollaboration}. */
  readonly collaboration: ReadDocument<Collaboration>;
  /** The signed asset versions of the spec, in any order. */
  readonly assets: readonly ReadDocument<AssetVersion>[];
  /** The moment to judge expiry at. */
  readonly at: Date;
}

function refuse(reason: string): never {
  throw new CleanRoomError('approval-invalid', `The approval does not hold: ${reason}.`);
}

/**
 * Checks one provider's approval against what the spec pins, never against names resolved at run time. Custodian,
 * supervisor and verifier all call this one function.
 * @throws CleanRoomError `approval-invalid`, `expired`, `signature-invalid`
 */
export function verifyApproval(
  bundle: ApprovalBundle,
  provider: string,
  context: ApprovalContext
): ReadDocument<Approval> {
  const { spec, image, collaboration, assets, at } = context;
  if (collaboration.digest !== spec.value.collaboration)
    refuse('the collaboration is not the one of the spec');

  const wanted = spec.value.assets.filter(asset => asset.name.startsWith(`${provider}/`));
  const custodian = wanted[0]?.custodian;
  if (custodian === undefined) refuse(`the spec asks for nothing of ${provider}`);
  if (wanted.some(asset => asset.custodian !== custodian))
    refuse(`the spec names two custodians for ${provider}`);

  const roster = Roster.open(bundle.roster, rootKeyOf(collaboration.value, provider)).value;
  if (roster.party !== provider) refuse('the roster is of another party');
  if (roster.custodian?.key !== custodian) refuse('the custodian is not the one in the provider’s roster');

  const approval = Approval.open(bundle.envelope, custodian);
  const value = approval.value;
  if (value.provider !== provider || value.custodian !== custodian) refuse('it is of another provider');
  if (value.image !== image) refuse('it is for another image');
  if (value.spec !== spec.digest) refuse('it is for another spec');
  const same =
    value.assets.length === wanted.length &&
    wanted.every((asset, index) => {
      const approved = value.assets[index];
      return (
        approved?.name === asset.name &&
        approved.version === asset.version &&
        approved.policy === asset.policy
      );
    });
  if (!same) refuse('it covers other assets, versions or policies');
  if (fromTimestamp(value.expires) <= at) {
    throw new CleanRoomError('expired', `The approval of ${provider} ended on ${value.expires}.`, {
      remedy: 'Ask the provider to approve again.'
    });
  }

  const reviewer = roster.people.find(person => person.id === value.reviewer);
  if (reviewer === undefined || !reviewer.roles.includes('reviewer'))
    refuse('its reviewer is not in the roster');
  if (value.unattended) {
    const simulated = wanted.every(asset => {
      const version = assets.find(candidate => candidate.digest === asset.version);
      return version?.value.sealedFor === 'simulation';
    });
    if (!simulated) refuse('it is unattended, and the data is not sealed for simulation');
    return approval;
  }
  if (bundle.assertion === undefined) refuse('the reviewer’s passkey did not answer');
  const { credentialId } = bundle.assertion;
  const passkey = reviewer.passkeys.find(candidate => candidate.credentialId === credentialId);
  if (passkey === undefined) refuse('the passkey is not in the roster');
  verifyPasskeyAssertion(
    bundle.assertion,
    passkey,
    preAuthenticationEncoding(Approval.payloadType, approval.bytes)
  );
  return approval;
}

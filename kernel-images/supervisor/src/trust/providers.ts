import {
  verifyApproval,
  type Approval,
  type ApprovalBundle,
  type ApprovalContext
} from '@clean-room/protocol/approvals';
import { providerOf } from '@clean-room/protocol/assets';
import type { PublicKey, ReadDocument, Recipient } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster, rootKeyOf, type Hosting } from '@clean-room/protocol/parties';
import type { TrustedAsset } from './documents.js';

/** A provider that has approved: its custodian, its signed approval and its assets. */
export interface TrustedProvider {
  readonly party: string;
  readonly custodian: PublicKey;
  /** Outputs that its reviewer must see are sealed to it. */
  readonly recipient: Recipient;
  readonly hosting: Hosting;
  readonly rosterVersion: number;
  readonly approval: ReadDocument<Approval>;
  readonly bundle: ApprovalBundle;
  readonly assets: readonly TrustedAsset[];
}

function trustProvider(
  party: string,
  bundle: ApprovalBundle,
  assets: readonly TrustedAsset[],
  context: ApprovalContext
): TrustedProvider {
  const approval = verifyApproval(bundle, party, context);
  const roster = Roster.open(bundle.roster, rootKeyOf(context.collaboration.value, party)).value;
  if (roster.custodian === undefined) {
    throw new CleanRoomError('approval-invalid', 'The provider’s roster names no custodian.');
  }
  const { key, recipient, hosting } = roster.custodian;
  const attempts = Math.min(...assets.map(asset => asset.policy.value.run.attempts));
  if (approval.value.attempts > attempts) {
    throw new CleanRoomError('approval-invalid', 'The approval grants more attempts than the policy allows.');
  }
  return {
    party,
    custodian: key,
    recipient,
    hosting,
    rosterVersion: roster.version,
    approval,
    bundle,
    assets
  };
}

/**
 * One approval of each provider that the spec asks something of, and no other.
 * @throws CleanRoomError `approval-missing`, `approval-invalid`, `expired`, `signature-invalid`
 */
export function trustProviders(
  assets: readonly TrustedAsset[],
  bundles: readonly ApprovalBundle[],
  context: ApprovalContext
): TrustedProvider[] {
  const parties = [...new Set(assets.map(asset => providerOf(asset.pinned.name)))];
  const byParty = new Map(bundles.map(bundle => [Roster.peek(bundle.roster).value.party, bundle]));
  if (bundles.length !== byParty.size || bundles.some((_, index) => index >= parties.length)) {
    throw new CleanRoomError('approval-invalid', 'The job brings approvals that the spec does not ask for.');
  }
  return parties.map(party => {
    const bundle = byParty.get(party);
    if (bundle === undefined) {
      throw new CleanRoomError('approval-missing', `${party} has not approved this revision.`);
    }
    return trustProvider(
      party,
      bundle,
      assets.filter(asset => providerOf(asset.pinned.name) === party),
      context
    );
  });
}

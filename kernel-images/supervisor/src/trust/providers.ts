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
import { requireGrant } from '@clean-room/protocol/policies';
import type { TrustedAsset } from './documents.js';

/** A provider with its verified approval, its custodian and its assets. */
export interface TrustedProvider {
  readonly party: string;
  readonly custodian: PublicKey;
  /** Outputs for its reviewer are sealed to this key. */
  readonly recipient: Recipient;
  readonly hosting: Hosting;
  readonly rosterVersion: number;
  readonly approval: ReadDocument<Approval>;
  readonly bundle: ApprovalBundle;
  readonly assets: readonly TrustedAsset[];
}

function verifyProvider(
  party: string,
  bundle: ApprovalBundle,
  assets: readonly TrustedAsset[],
  context: ApprovalContext
): TrustedProvider {
  const approval = verifyApproval(bundle, party, context);
  const roster = Roster.open(bundle.roster, rootKeyOf(context.collaboration.value, party)).value;
  if (roster.custodian === undefined) {
    throw new CleanRoomError('approval-invalid', 'The provider’s roster does not name a custodian.');
  }
  const { key, recipient, hosting } = roster.custodian;
  requireGrant(
    assets.map(asset => asset.policy.value),
    approval.value
  );
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
 * Verifies that the job contains exactly one approval of each provider of the spec's assets.
 *
 * @throws CleanRoomError `approval-missing`, `approval-invalid`, `expired`, `signature-invalid`
 */
export function verifyProviders(
  assets: readonly TrustedAsset[],
  bundles: readonly ApprovalBundle[],
  context: ApprovalContext
): TrustedProvider[] {
  const parties = [...new Set(assets.map(asset => providerOf(asset.pinned.name)))];
  const byParty = new Map(bundles.map(bundle => [Roster.peek(bundle.roster).value.party, bundle]));
  if (bundles.length !== byParty.size || bundles.some((_, index) => index >= parties.length)) {
    throw new CleanRoomError('approval-invalid', 'The job contains approvals that the spec does not need.');
  }
  return parties.map(party => {
    const bundle = byParty.get(party);
    if (bundle === undefined) {
      throw new CleanRoomError('approval-missing', `${party} has not approved this revision.`);
    }
    return verifyProvider(
      party,
      bundle,
      assets.filter(asset => providerOf(asset.pinned.name) === party),
      context
    );
  });
}

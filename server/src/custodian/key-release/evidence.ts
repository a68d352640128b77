import { verifyApproval, type Approval } from '@clean-room/protocol/approvals';
import { fromBase64 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { requireNotRevoked } from '@clean-room/protocol/kernel-images';
import { KeyRequest, type KeyRequestMessage } from '@clean-room/protocol/key-release';
import { Roster, type Collaboration } from '@clean-room/protocol/parties';
import { readSpec, type Spec } from '@clean-room/protocol/submissions';
import { readBundle } from '../approvals/deliver.js';
import type { CustodianContext } from '../context.js';
import type { ApprovalRow } from '../database/tables.js';
import type { ProvisionedAsset } from '../datasets/registry.js';
import { openMembership } from '../parties/collaborations.js';

/** A key request and the documents that it depends on, all verified against signatures and this custodian's records. */
export interface RequestEvidence {
  readonly request: ReadDocument<KeyRequest>;
  readonly spec: ReadDocument<Spec>;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly assets: readonly ProvisionedAsset[];
  readonly approval: ReadDocument<Approval>;
  /** This custodian's own record of the approval. */
  readonly record: ApprovalRow;
}

function refused(reason: string): CleanRoomError {
  return new CleanRoomError('key-release-refused', `No key is released: ${reason}.`);
}

/** Returns this custodian's record of the approval. An approval without a record, or a revoked one, is not valid. */
async function ownRecord({ db }: CustodianContext, request: KeyRequest): Promise<ApprovalRow> {
  const row = await db
    .selectFrom('approval')
    .selectAll()
    .where('digest', '=', request.approval)
    .executeTakeFirst();
  if (row === undefined)
    throw new CleanRoomError('approval-missing', 'This custodian did not give this approval.');
  if (row.revoked_at !== null) throw new CleanRoomError('approval-invalid', 'The approval was revoked.');
  if (row.spec_digest !== request.spec || row.image_digest !== request.image) {
    throw refused('the approval is for a different program');
  }
  return row;
}

/**
 * Verifies the approval against the newest roster that this custodian knows, even if the attempt was shown an older one: an
 * approval is not valid when its reviewer, or the reviewer's passkey, has been removed from the roster.
 */
async function verifyAgainstNewestRoster(
  context: CustodianContext,
  message: KeyRequestMessage,
  parts: Omit<RequestEvidence, 'approval'>
): Promise<ReadDocument<Approval>> {
  const { config, rosters } = context;
  const { request, spec, collaboration, assets, record } = parts;
  const newest = await rosters.newest(config.party, config.rootKey);
  if (newest === undefined) throw refused('this custodian has no roster of its party');
  const approvedUnder = Roster.peek(readBundle(record.bundle).roster).value.version;
  if (request.value.rosterVersion < approvedUnder) {
    throw refused('the attempt was shown a roster that is older than the approval');
  }
  const approval = verifyApproval({ ...message.approval, roster: newest.envelope }, config.party, {
    spec,
    image: request.value.image,
    collaboration,
    assets: assets.map(({ version }) => version),
    at: context.now()
  });
  if (approval.digest !== request.value.approval) {
    throw refused('the request names a different approval than the one it carries');
  }
  return approval;
}

/**
 * Reads and verifies a message from the mailbox. The mailbox is not trusted: anyone may have written the message.
 * @throws CleanRoomError with the code that the attempt receives
 */
export async function readEvidence(
  context: CustodianContext,
  message: KeyRequestMessage
): Promise<RequestEvidence> {
  const { config, keys, registry } = context;
  const request = KeyRequest.read(fromBase64(message.request));
  if (request.value.custodian !== keys.publicKey) throw refused('the request is for a different custodian');
  const spec = readSpec(fromBase64(message.spec));
  if (spec.digest !== request.value.spec) throw refused('the request is for a different spec');
  const collaboration = openMembership(message.collaboration, config.party, config.rootKey);
  if (collaboration.digest !== spec.value.collaboration) {
    throw refused('the spec is for a different collaboration');
  }
  const record = await ownRecord(context, request.value);
  const pinned = spec.value.assets.filter(({ name }) => name.startsWith(`${config.party}/`));
  const assets = await Promise.all(pinned.map(({ name, version }) => registry.find(name, version)));
  if (assets.some((asset, index) => asset.policy.digest !== pinned[index]?.policy)) {
    throw refused('the spec names a different policy for an asset');
  }
  const revocations = await context.revocations.lists();
  for (const { policy } of assets) {
    requireNotRevoked(revocations, spec.value.kernelImage, policy.value.kernelImages.signers);
  }
  const parts = { request, spec, collaboration, assets, record };
  return { ...parts, approval: await verifyAgainstNewestRoster(context, message, parts) };
}

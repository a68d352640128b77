import { verifyApproval, type Approval } from '@clean-room/protocol/approvals';
import { fromBase64 } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { KeyRequest, type KeyRequestMessage } from '@clean-room/protocol/key-release';
import { Roster, type Collaboration } from '@clean-room/protocol/parties';
import { readSpec, type Spec } from '@clean-room/protocol/submissions';
import { readBundle } from '../approvals/deliver.js';
import type { CustodianContext } from '../context.js';
import type { ApprovalRow } from '../database/tables.js';
import type { ProvisionedAsset } from '../datasets/registry/registry.js';
import { openMembership } from '../parties/collaborations.js';

/** A key request with all that it rests on, every part checked against what was signed and what is kept here. */
export interface RequestEvidence {
  readonly request: ReadDocument<KeyRequest>;
  readonly token: string;
  readonly spec: ReadDocument<Spec>;
  readonly collaboration: ReadDocument<Collaboration>;
  readonly assets: readonly ProvisionedAsset[];
  readonly approval: ReadDocument<Approval>;
  /** This custodian's own record of the approval. */
  readonly record: ApprovalRow;
}

function refuse(reason: string): never {
  throw new CleanRoomError('key-release-refused', `No key is released: ${reason}.`);
}

/** An approval counts here only while this custodian itself remembers having given it, and has not taken it back. */
async function ownRecord({ db }: CustodianContext, request: KeyRequest): Promise<ApprovalRow> {
  const row = await db
    .selectFrom('approval')
    .selectAll()
    .where('digest', '=', request.approval)
    .executeTakeFirst();
  if (row === undefined)
    throw new CleanRoomError('approval-missing', 'This custodian has given no such approval.');
  if (row.revoked_at !== null) throw new CleanRoomError('approval-invalid', 'The approval was taken back.');
  if (row.spec !== request.spec || row.image !== request.image) refuse('the approval is for another program');
  return row;
}

/**
 * The approval judged by the newest roster known here, whichever the attempt was shown: who has left the roster since, or
 * whose passkey was taken out of it, has not approved.
 */
async function judgeApproval(
  context: CustodianContext,
  message: KeyRequestMessage,
  parts: Omit<RequestEvidence, 'approval' | 'token'>
): Promise<ReadDocument<Approval>> {
  const { config, rosters } = context;
  const { request, spec, collaboration, assets, record } = parts;
  const newest = await rosters.newest(config.party, config.rootKey);
  if (newest === undefined) return refuse('this custodian knows no roster of its party');
  const approvedUnder = Roster.peek(readBundle(record.bundle).roster).value.version;
  if (request.value.rosterVersion < approvedUnder)
    refuse('the attempt was shown a roster from before the approval');
  const approval = verifyApproval({ ...message.approval, roster: newest.envelope }, config.party, {
    spec,
    image: request.value.image,
    collaboration,
    assets: assets.map(({ version }) => version),
    at: context.now()
  });
  if (approval.digest !== request.value.approval) refuse('it names another approval than it brings');
  return approval;
}

/**
 * Reads a message from the mailbox, which anyone may have written.
 * @throws CleanRoomError with the code that the attempt is told
 */
export async function readEvidence(
  context: CustodianContext,
  message: KeyRequestMessage
): Promise<RequestEvidence> {
  const { config, keys, registry } = context;
  const request = KeyRequest.read(fromBase64(message.request));
  if (request.value.custodian !== keys.publicKey) refuse('the request is for another custodian');
  const spec = readSpec(fromBase64(message.spec));
  if (spec.digest !== request.value.spec) refuse('the request is for another spec');
  const collaboration = openMembership(message.collaboration, config.party, config.rootKey);
  if (collaboration.digest !== spec.value.collaboration) refuse('the spec is for another collaboration');
  const record = await ownRecord(context, request.value);
  const wanted = spec.value.assets.filter(({ name }) => name.startsWith(`${config.party}/`));
  const assets = await Promise.all(wanted.map(({ name, version }) => registry.find(name, version)));
  if (assets.some((asset, index) => asset.policy.digest !== wanted[index]?.policy)) {
    refuse('an asset is under another policy than the spec says');
  }
  const parts = { request, spec, collaboration, assets, record };
  return { ...parts, token: message.token, approval: await judgeApproval(context, message, parts) };
}

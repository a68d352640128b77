import {
  Approval,
  verifyApproval,
  type ApprovalBundle,
  type PasskeyAssertion
} from '@clean-room/protocol/approvals';
import type { Digest } from '@clean-room/protocol/bytes';
import { fromTimestamp, type ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CustodianContext } from '../context.js';
import type { DraftRow } from '../database/tables.js';
import { signPayload } from '../keys/key-store.js';
import { inspectSubmission, type InspectedRevision } from '../submissions/inspect.js';
import { deliverApproval } from './deliver.js';
import { DRAFT_MINUTES } from './draft.js';

/** An approval that was signed and stored. */
export interface ConfirmedApproval {
  readonly approval: ReadDocument<Approval>;
  readonly digest: Digest;
}

/** Returns a draft that this person may still confirm. */
async function openDraft({ db, now }: CustodianContext, id: string, person: string): Promise<DraftRow> {
  const row = await db.selectFrom('draft').selectAll().where('id', '=', id).executeTakeFirst();
  const age = row === undefined ? 0 : now().getTime() - row.created_at.getTime();
  if (row === undefined || row.reviewer !== person || row.used_at !== null || age > DRAFT_MINUTES * 60_000) {
    throw new CleanRoomError(
      'conflict',
      'A decision was already made on this page, or the page was open for too long. Nothing was approved now.',
      {
        remedy: 'Open the submission again and decide there.'
      }
    );
  }
  return row;
}

/** Checks that the submission is still the one that the reviewer saw. */
function requireUnchanged(approval: Approval, row: DraftRow, inspected: InspectedRevision): void {
  const same =
    inspected.revision === row.revision &&
    approval.image === inspected.image &&
    approval.spec === inspected.spec.digest;
  if (same) return;
  throw new CleanRoomError(
    'conflict',
    'The submission has changed since this page was opened. Nothing was approved.',
    {
      remedy: 'Open it again and review the changes.'
    }
  );
}

async function ownRoster({ rosters, config }: CustodianContext): Promise<ApprovalBundle['roster']> {
  const newest = await rosters.newest(config.party, config.rootKey);
  if (newest !== undefined) return newest.envelope;
  throw new CleanRoomError(
    'approval-invalid',
    'Your party has no roster yet, so no person can approve for it.',
    {
      remedy: 'Sign a roster with the party’s root key, and publish it.'
    }
  );
}

/**
 * Turns a draft into an approval: verifies everything again, including the passkey assertion, signs exactly the bytes that
 * were shown, stores the approval, and then sends it to the coordinator.
 *
 * @param draft - the draft's id
 * @param reviewer - the id of the person who confirms
 * @param assertion - the passkey assertion, absent only when the draft says that it is unattended
 * @throws CleanRoomError `conflict`, `approval-invalid`, and all that {@link inspectSubmission} throws
 */
export async function confirmApproval(
  context: CustodianContext,
  draft: string,
  reviewer: string,
  assertion: PasskeyAssertion | undefined
): Promise<ConfirmedApproval> {
  const { db, keys, config } = context;
  const row = await openDraft(context, draft, reviewer);
  const shown = Approval.read(new Uint8Array(row.payload));
  const inspected = await inspectSubmission(context, row.submission);
  requireUnchanged(shown.value, row, inspected);
  const bundle: ApprovalBundle = {
    envelope: await signPayload(keys, Approval.payloadType, shown.bytes),
    ...(assertion === undefined ? {} : { assertion }),
    roster: await ownRoster(context)
  };
  const approval = verifyApproval(bundle, config.party, {
    spec: inspected.spec,
    image: inspected.image,
    collaboration: inspected.collaboration,
    assets: inspected.assets.map(({ version }) => version),
    at: context.now()
  });
  const head = await context.log.advance();
  await db.transaction().execute(async trx => {
    const used = await trx
      .updateTable('draft')
      .set({ used_at: context.now() })
      .where('id', '=', draft)
      .where('used_at', 'is', null)
      .executeTakeFirst();
    if (used.numUpdatedRows !== 1n)
      throw new CleanRoomError('conflict', 'A decision was already made on this page.');
    await trx
      .insertInto('approval')
      .values({
        digest: approval.digest,
        submission: row.submission,
        revision: row.revision,
        spec_digest: approval.value.spec,
        image_digest: approval.value.image,
        submitter_root_key: inspected.submitter.roster.rootKey,
        runs: approval.value.runs,
        spare_starts: approval.value.spareStarts,
        expires_at: fromTimestamp(approval.value.expires),
        reviewer,
        unattended: approval.value.unattended,
        tree_size: head.size,
        bundle: JSON.stringify(bundle),
        approved_at: fromTimestamp(approval.value.approvedAt),
        delivered_at: null,
        revoked_at: null
      })
      .execute();
  });
  context.logger.info({ submission: row.submission, approval: approval.digest, reviewer }, 'approval signed');
  await deliverApproval(context, approval.digest);
  return { approval, digest: approval.digest };
}

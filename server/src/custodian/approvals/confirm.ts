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
import { inspectSubmission, type InspectedRevision } from '../submissions/fetch.js';
import { deliverApproval } from './deliver.js';
import { DRAFT_MINUTES } from './draft.js';

export interface Confirmed {
  readonly approval: ReadDocument<Approval>;
  readonly digest: Digest;
}

async function freshDraft({ db, now }: CustodianContext, id: string, person: string): Promise<DraftRow> {
  const row = await db.selectFrom('draft').selectAll().where('id', '=', id).executeTakeFirst();
  const age = row === undefined ? 0 : now().getTime() - row.created_at.getTime();
  if (row === undefined || row.person !== person || row.used_at !== null || age > DRAFT_MINUTES * 60_000) {
    throw new CleanRoomError(
      'conflict',
      'This page was answered already, or was open for too long. Nothing was approved by it.',
      {
        remedy: 'Open the submission again and decide anew.'
      }
    );
  }
  return row;
}

/** What was shown must still be what is there: a revision that changed meanwhile needs a new look. */
function requireSame(approval: Approval, row: DraftRow, inspected: InspectedRevision): void {
  const same =
    inspected.revision === row.revision &&
    approval.image === inspected.image &&
    approval.spec === inspected.spec.digest;
  if (same) return;
  throw new CleanRoomError(
    'conflict',
    'The submission has changed since this page was opened. Nothing was approved.',
    {
      remedy: 'Open it again and look at what changed.'
    }
  );
}

async function ownRoster({ rosters, config }: CustodianContext): Promise<ApprovalBundle['roster']> {
  const known = await rosters.newest(config.party, config.rootKey);
  if (known !== undefined) return known.envelope;
  throw new CleanRoomError(
    'approval-invalid',
    'Your party has no roster yet, so nobody can approve for it.',
    {
      remedy: 'Have the party’s root key sign a roster, and publish it.'
    }
  );
}

/**
 * Turns a draft into an approval: checks everything once more, the passkey's answer with it, signs the very bytes that were
 * shown, keeps the approval, and then gives it to the coordinator.
 * @param assertion the passkey's answer; absent only for drafts that say they are unattended
 * @throws CleanRoomError `conflict`, `approval-invalid`, and all that {@link inspectSubmission} throws
 */
export async function confirmApproval(
  context: CustodianContext,
  draft: string,
  reviewer: string,
  assertion: PasskeyAssertion | undefined
): Promise<Confirmed> {
  const { db, keys, config } = context;
  const row = await freshDraft(context, draft, reviewer);
  const shown = Approval.read(new Uint8Array(row.payload));
  const inspected = await inspectSubmission(context, row.submission);
  requireSame(shown.value, row, inspected);
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
    if (used.numUpdatedRows !== 1n) throw new CleanRoomError('conflict', 'This page was answered already.');
    await trx
      .insertInto('approval')
      .values({
        digest: approval.digest,
        submission: row.submission,
        revision: row.revision,
        spec: approval.value.spec,
        image: approval.value.image,
        submitter_root: inspected.submitter.roster.rootKey,
        attempts: approval.value.attempts,
        expires: fromTimestamp(approval.value.expires),
        reviewer,
        unattended: approval.value.unattended,
        log_size: head.size,
        bundle: JSON.stringify(bundle),
        approved_at: fromTimestamp(approval.value.approvedAt),
        delivered_at: null,
        revoked_at: null
      })
      .execute();
  });
  context.logger.info({ submission: row.submission, approval: approval.digest, reviewer }, 'approved');
  await deliverApproval(context, approval.digest);
  return { approval, digest: approval.digest };
}

import type { Kysely } from 'kysely';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { fromTimestamp, type ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { verifyApproval, type Approval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { AssetVersion, providerOf } from '@clean-room/protocol/assets';
import { Roster } from '@clean-room/protocol/parties';
import { Policy, requireGrant } from '@clean-room/protocol/policies';
import { Spec } from '@clean-room/protocol/submissions';
import type { RevisionState } from '@clean-room/protocol/runs';
import type { CoordinatorTables } from '../database/tables.js';
import { transitionDecision, transitionRevision, type RevisionRow } from '../state/transitions.js';
import { collaborationByDigest } from '../parties/collaborations.js';
import { queueRun } from '../runs/request.js';
import { signedAssets } from '../catalogue/assets.js';
import { decisionOf, decisionsOf, newestRevision } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

/** The state of the revision after a decision. */
export interface DecisionOutcome {
  readonly revision: number;
  readonly state: RevisionState;
}

/** A revision's spec, with the documents that it names in the order of its assets. */
interface SpecDocuments {
  readonly spec: ReadDocument<Spec>;
  readonly assets: readonly ReadDocument<AssetVersion>[];
  readonly policies: readonly ReadDocument<Policy>[];
}

/** Returns a revision's spec, and the asset versions and policies that it names. */
export async function documentsOf(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow
): Promise<SpecDocuments> {
  const spec = Spec.read(revision.spec);
  const documents = await signedAssets(db, spec.value);
  return {
    spec,
    assets: documents.map(({ version }) => AssetVersion.peek(version)),
    policies: documents.map(({ policy }) => Policy.peek(policy))
  };
}

async function requireCurrentRoster(
  db: Kysely<CoordinatorTables>,
  provider: string,
  bundle: ApprovalBundle
): Promise<void> {
  const { version } = Roster.peek(bundle.roster).value;
  const newest = await db
    .selectFrom('roster')
    .select('version')
    .where('party', '=', provider)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (newest !== undefined && version < newest.version) {
    throw new CleanRoomError('approval-invalid', `The approval uses an old roster of ${provider}.`, {
      remedy: 'Approve again with the newest roster.'
    });
  }
}

/**
 * Verifies an approval: it must name this revision's image, spec, provider and assets and a reviewer of the provider, and
 * grant no more than the provider's own policies allow.
 */
async function verifyOwnApproval(
  unit: UnitOfWork,
  revision: RevisionRow,
  provider: string,
  bundle: ApprovalBundle
): Promise<ReadDocument<Approval>> {
  const { spec, assets, policies } = await documentsOf(unit.trx, revision);
  const collaboration = await collaborationByDigest(unit.trx, revision.collaboration_digest);
  const approval = verifyApproval(bundle, provider, {
    spec,
    image: revision.image_digest,
    collaboration,
    assets,
    at: unit.at
  });
  await requireCurrentRoster(unit.trx, provider, bundle);
  const own = policies.map(policy => policy.value).filter(policy => providerOf(policy.asset) === provider);
  requireGrant(own, approval.value);
  return approval;
}

/**
 * Saves a provider's signed approval of the newest revision. The last approval that is needed approves the revision and
 * queues its run. Sending the same approval again changes nothing.
 *
 * @throws CleanRoomError `approval-invalid`, `signature-invalid`, `expired`, `conflict`, `forbidden`
 */
export async function approve(
  unit: UnitOfWork,
  provider: string,
  submission: string,
  bundle: ApprovalBundle
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const decisions = await decisionsOf(unit.trx, revision);
  const decision = decisionOf(decisions, provider);
  const digest = digestOf(fromBase64(bundle.envelope.payload));
  if (decision.state === 'approved' && decision.approval_digest === digest) {
    return { revision: revision.number, state: revision.state };
  }
  if (revision.state !== 'submitted') {
    throw new CleanRoomError('conflict', `The revision is ${revision.state} and cannot be approved.`, {
      remedy: 'Reload the submission to see its present state.',
      details: { state: revision.state }
    });
  }
  const approval = await verifyOwnApproval(unit, revision, provider, bundle);
  const { reviewer, runs, spareStarts, expires } = approval.value;
  await transitionDecision(unit, revision, decision, 'approved', {
    decided_by: reviewer,
    approval: { text: JSON.stringify(bundle), digest, runs, spareStarts, expires: fromTimestamp(expires) }
  });
  const open = decisions.filter(row => row.provider !== provider && row.state !== 'approved');
  if (open.length > 0) return { revision: revision.number, state: revision.state };
  const approved = await transitionRevision(unit, revision, 'approved');
  await queueRun(unit, approved, null);
  return { revision: approved.number, state: approved.state };
}

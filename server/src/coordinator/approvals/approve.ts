import type { Kysely } from 'kysely';
import { digestOf, fromBase64 } from '@clean-room/protocol/bytes';
import { fromTimestamp, type ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Approval } from '@clean-room/protocol/approvals';
import { verifyApproval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { AssetVersion, providerOf } from '@clean-room/protocol/assets';
import { Roster } from '@clean-room/protocol/parties';
import { Policy, strictestTerms } from '@clean-room/protocol/policies';
import { Spec } from '@clean-room/protocol/submissions';
import type { RevisionState } from '@clean-room/protocol/runs';
import type { CoordinatorTables } from '../database/tables.js';
import { transitionDecision, transitionRevision, type RevisionRow } from '../state/transitions.js';
import { collaborationByDigest } from '../parties/collaborations.js';
import { queueRun } from '../runs/queue-run.js';
import { decisionOf, decisionsOf, newestRevision } from '../submissions/find.js';
import { secondsUntil } from '../submissions/submit.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

export interface DecisionOutcome {
  readonly revision: number;
  readonly state: RevisionState;
}

interface SpecDocuments {
  readonly spec: ReadDocument<Spec>;
  readonly assets: readonly ReadDocument<AssetVersion>[];
  readonly policies: readonly ReadDocument<Policy>[];
}

/** The signed asset versions and policies that a revision's spec names, in its order. */
export async function documentsOf(
  db: Kysely<CoordinatorTables>,
  revision: RevisionRow
): Promise<SpecDocuments> {
  const spec = Spec.read(revision.spec);
  const assets: ReadDocument<AssetVersion>[] = [];
  const policies: ReadDocument<Policy>[] = [];
  for (const asset of spec.value.assets) {
    const [version, policy] = [
      await db
        .selectFrom('asset_version')
        .select('envelope')
        .where('digest', '=', asset.version)
        .executeTakeFirstOrThrow(),
      await db
        .selectFrom('policy')
        .select('envelope')
        .where('digest', '=', asset.policy)
        .executeTakeFirstOrThrow()
    ];
    assets.push(AssetVersion.peek(version.envelope));
    policies.push(Policy.peek(policy.envelope));
  }
  return { spec, assets, policies };
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
    throw new CleanRoomError('approval-invalid', `The approval rests on an old roster of ${provider}.`, {
      remedy: 'Approve again with the newest roster.'
    });
  }
}

/** What is signed must be for this revision's program, provider, assets and reviewer, and within the provider's own policy. */
async function openApproval(
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
  const most = strictestTerms(own).run.attempts;
  if (approval.value.attempts > most) {
    throw new CleanRoomError(
      'approval-invalid',
      `The approval grants more attempts than the policy’s ${most}.`
    );
  }
  return approval;
}

/**
 * Takes in a provider's signed approval of the newest revision. The last one that is needed approves the revision and
 * queues its run.
 * @throws CleanRoomError `approval-invalid`, `signature-invalid`, `expired`, `conflict`, `forbidden`
 */
export async function approve(
  unit: UnitOfWork,
  provider: string,
  submission: string,
  bundle: ApprovalBundle
): Promise<DecisionOutcome> {
  const revision = await newestRevision(unit.trx, submission);
  const decision = await decisionOf(unit.trx, revision, provider);
  const digest = digestOf(fromBase64(bundle.envelope.payload));
  if (decision.state === 'approved' && decision.approval_digest === digest) {
    return { revision: revision.number, state: revision.state };
  }
  if (revision.state !== 'submitted') {
    throw new CleanRoomError('conflict', `The revision is ${revision.state}; it can not be approved.`, {
      details: { state: revision.state }
    });
  }
  const approval = await openApproval(unit, revision, provider, bundle);
  const { reviewer, attempts, expires } = approval.value;
  await transitionDecision(unit, revision, decision, 'approved', {
    decided_by: reviewer,
    approval: { text: JSON.stringify(bundle), digest, attempts, expires: fromTimestamp(expires) }
  });
  await unit.send(
    'expire-revision',
    { submission, revision: revision.number },
    secondsUntil(unit.at, fromTimestamp(expires))
  );
  const open = (await decisionsOf(unit.trx, revision)).filter(row => row.state !== 'approved');
  if (open.length > 0) return { revision: revision.number, state: revision.state };
  const approved = await transitionRevision(unit, revision, 'approved');
  await queueRun(unit, approved, null);
  return { revision: approved.number, state: approved.state };
}

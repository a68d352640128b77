import { CleanRoomError } from '@clean-room/protocol/errors';
import type { RevisionState } from '@clean-room/protocol/runs';
import type { PersonCaller } from '../access/caller.js';
import { recordRevision, transitionRevision, type RevisionRow } from '../state/transitions.js';
import { grant } from '../objects/grants.js';
import { newId } from '../../platform/ids.js';
import { queueRun } from '../runs/queue-run.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import type { CheckedSubmission } from './check.js';
import { newestRevision } from './find.js';

export interface Submitted {
  readonly id: string;
  readonly revision: number;
  readonly state: RevisionState;
  readonly image: `sha256:${string}`;
}

async function writeRevision(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string,
  number: number,
  checked: CheckedSubmission
): Promise<Submitted> {
  const { spec, image } = checked;
  const assets = spec.value.assets.map(asset => asset.name);
  const row: RevisionRow = {
    submission,
    number,
    state: 'submitted',
    reason: null,
    spec: spec.bytes,
    spec_digest: spec.digest,
    submission_request: checked.request,
    collaboration_digest: checked.collaboration,
    kernel_image_digest: spec.value.kernelImage,
    image_digest: image.imageDigest,
    image_manifest: image.manifest,
    image_config: image.config,
    purpose: spec.value.purpose,
    notebook: spec.value.notebook,
    assets,
    simulated: checked.simulated,
    submitted_by: caller.person,
    submitted_at: unit.at,
    updated_at: unit.at,
    expires_at: checked.ends
  };
  await unit.trx
    .insertInto('revision')
    .values({
      ...row,
      reason: null,
      submission_request: JSON.stringify(row.submission_request),
      assets: JSON.stringify(assets)
    })
    .execute();
  const providers = [...checked.providers];
  if (providers.length > 0) {
    await unit.trx
      .insertInto('decision')
      .values(
        providers.map(([provider, custodian]) => ({
          submission,
          revision: number,
          provider,
          custodian_key: custodian,
          state: 'pending' as const
        }))
      )
      .execute();
    const files = spec.value.workspace.map(file => file.digest);
    await grant(unit.trx, files, [...checked.providers.keys()], unit.at);
  }
  await recordRevision(unit, row);
  await unit.send('expire-revision', { submission, revision: number }, secondsUntil(unit.at, row.expires_at));
  if (providers.length > 0)
    return { id: submission, revision: number, state: row.state, image: row.image_digest };
  const approved = await transitionRevision(unit, row, 'approved');
  await queueRun(unit, approved, { party: caller.party, person: caller.person });
  return { id: submission, revision: number, state: approved.state, image: row.image_digest };
}

export function secondsUntil(from: Date, to: Date): number {
  return Math.max(1, Math.ceil((to.getTime() - from.getTime()) / 1000));
}

export async function createSubmission(
  unit: UnitOfWork,
  caller: PersonCaller,
  checked: CheckedSubmission
): Promise<Submitted> {
  const id = newId(unit.at.getTime());
  await unit.trx
    .insertInto('submission')
    .values({ id, party: caller.party, created_at: unit.at, updated_at: unit.at })
    .execute();
  return writeRevision(unit, caller, id, 1, checked);
}

/** @throws CleanRoomError `conflict` unless changes were asked for */
export async function createRevision(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string,
  checked: CheckedSubmission
): Promise<Submitted> {
  const before = await newestRevision(unit.trx, submission);
  if (before.state !== 'changes-requested') {
    throw new CleanRoomError('conflict', `Nobody has asked for changes: the revision is ${before.state}.`, {
      remedy: 'Withdraw it and submit anew, or wait for the providers.',
      details: { state: before.state }
    });
  }
  await unit.trx
    .updateTable('submission')
    .set({ updated_at: unit.at })
    .where('id', '=', submission)
    .execute();
  return writeRevision(unit, caller, submission, before.number + 1, checked);
}

import { CleanRoomError } from '@clean-room/protocol/errors';
import type { RevisionState } from '@clean-room/protocol/runs';
import type { PersonCaller } from '../access/caller.js';
import {
  recordRevision,
  touchSubmission,
  transitionRevision,
  type RevisionRow
} from '../state/transitions.js';
import { grantObjects } from '../objects/grants.js';
import { newId } from '../../platform/ids.js';
import { queueRun } from '../runs/request.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import type { CheckedSubmission } from './check.js';
import { newestRevision } from './find.js';

/** The result of submitting a revision. */
interface Submitted {
  readonly id: string;
  readonly revision: number;
  /** `submitted`, or `approved` when no provider has to decide. */
  readonly state: RevisionState;
  readonly image: `sha256:${string}`;
}

/** Inserts a revision and its decisions. A revision without providers is approved and queued at once. */
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
    expires_at: checked.expiresAt
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
    await grantObjects(unit.trx, files, [...checked.providers.keys()], unit.at);
  }
  await recordRevision(unit, row);
  if (providers.length > 0)
    return { id: submission, revision: number, state: row.state, image: row.image_digest };
  const approved = await transitionRevision(unit, row, 'approved');
  await queueRun(unit, approved, { party: caller.party, person: caller.person });
  return { id: submission, revision: number, state: approved.state, image: row.image_digest };
}

/** Creates a submission with its first revision. */
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

/**
 * Adds a revision to a submission after a provider asked for changes.
 *
 * @throws CleanRoomError `conflict` when the newest revision is in another state
 */
export async function createRevision(
  unit: UnitOfWork,
  caller: PersonCaller,
  submission: string,
  checked: CheckedSubmission
): Promise<Submitted> {
  const newest = await newestRevision(unit.trx, submission);
  if (newest.state !== 'changes-requested') {
    throw new CleanRoomError(
      'conflict',
      `No provider has asked for changes: the revision is ${newest.state}.`,
      {
        remedy: 'Wait for the providers, or withdraw the submission and create a new one.',
        details: { state: newest.state }
      }
    );
  }
  await touchSubmission(unit, submission);
  return writeRevision(unit, caller, submission, newest.number + 1, checked);
}

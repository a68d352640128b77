import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { Spec } from '@clean-room/protocol/submissions';
import { signedAssets } from '../catalogue/assets.js';
import type { CoordinatorContext } from '../context.js';
import { collaborationByDigest } from '../parties/collaborations.js';
import { newestRosterEnvelope } from '../parties/rosters.js';
import { decisionsOf, submitterParty } from '../submissions/find.js';
import type { Job } from './find.js';

/** Returns the newest roster of the submitter's party. */
async function submitterRoster(context: CoordinatorContext, submission: string) {
  const party = await submitterParty(context.db, submission);
  const roster = await newestRosterEnvelope(context.db, party);
  if (roster === undefined) throw new CleanRoomError('not-found', `The roster of ${party} is missing.`);
  return roster;
}

/** Returns the document at the address in `CLEAN_ROOM_JOB`, with the signed documents that the job's spec names. */
export async function jobDocument(context: CoordinatorContext, job: Job): Promise<JobDocument> {
  const { revision } = job;
  const assets = await signedAssets(context.db, Spec.read(revision.spec).value);
  const decisions = await decisionsOf(context.db, revision);
  return {
    format: 'clean-room.job/v1',
    collaboration: (await collaborationByDigest(context.db, revision.collaboration_digest)).envelope,
    assets: assets.map(({ version, policy }) => ({ version, policy })),
    approvals: decisions.flatMap(decision => decision.approval ?? []),
    kernelImage: context.services.kernelImages.get(revision.kernel_image_digest).statement,
    submitterRoster: await submitterRoster(context, revision.submission),
    logHead: await context.services.log.head(context.db)
  };
}

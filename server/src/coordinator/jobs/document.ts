import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobDocument } from '@clean-room/protocol/jobs';
import { Spec } from '@clean-room/protocol/submissions';
import type { CoordinatorContext } from '../context.js';
import { collaborationByDigest } from '../parties/collaborations.js';
import { newestRosterEnvelope } from '../parties/rosters.js';
import { decisionsOf } from '../submissions/find.js';
import type { Job } from './find.js';

async function signedAssets(
  context: CoordinatorContext,
  job: Job,
  base: string
): Promise<JobDocument['assets']> {
  const spec = Spec.read(job.revision.spec).value;
  const assets: JobDocument['assets'] = [];
  for (const { version, policy } of spec.assets) {
    const [signedVersion, signedPolicy] = [
      await context.db
        .selectFrom('asset_version')
        .select(['envelope', 'sealed_digest'])
        .where('digest', '=', version)
        .executeTakeFirstOrThrow(),
      await context.db
        .selectFrom('policy')
        .select('envelope')
        .where('digest', '=', policy)
        .executeTakeFirstOrThrow()
    ];
    assets.push({
      version: signedVersion.envelope,
      policy: signedPolicy.envelope,
      sealed: `${base}/objects/${signedVersion.sealed_digest}`
    });
  }
  return assets;
}

/** The roster of the submitter's party. @throws CleanRoomError `not-found` */
export async function submitterRoster(context: CoordinatorContext, submission: string) {
  const { party } = await context.db
    .selectFrom('submission')
    .select('party')
    .where('id', '=', submission)
    .executeTakeFirstOrThrow();
  const roster = await newestRosterEnvelope(context.db, party);
  if (roster === undefined) throw new CleanRoomError('not-found', `The roster of ${party} is gone.`);
  return roster;
}

/** What `CLEAN_ROOM_JOB` names: where things are, and the signed documents that say what they are. */
export async function jobDocument(
  context: CoordinatorContext,
  token: string,
  job: Job
): Promise<JobDocument> {
  const base = `${context.services.supervisorBase()}/v1/jobs/${token}`;
  const { revision } = job;
  const decisions = await decisionsOf(context.db, revision);
  return {
    format: 'clean-room.job/v1',
    collaboration: (await collaborationByDigest(context.db, revision.collaboration_digest)).envelope,
    assets: await signedAssets(context, job, base),
    approvals: decisions.flatMap(decision => decision.approval ?? []),
    kernelImage: context.services.kernelImages.get(revision.kernel_image_digest).statement,
    submitterRoster: await submitterRoster(context, revision.submission),
    logHead: await context.services.log.head(context.db),
    mailbox: `${base}/mailbox`,
    progress: `${base}/progress`,
    results: `${base}/results`
  };
}

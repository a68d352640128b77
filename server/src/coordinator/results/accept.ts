import { digestOf, fromBase64, type Digest } from '@clean-room/protocol/bytes';
import type { ReadDocument } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { JobResult } from '@clean-room/protocol/jobs';
import { readRunStatement, RUN_AUDIENCE, runNonce, type RunStatement } from '@clean-room/protocol/runs';
import type { CoordinatorContext } from '../context.js';
import { verifyJobToken } from '../jobs/attestation.js';
import type { Job } from '../jobs/find.js';
import { transitionRun } from '../state/transitions.js';
import { grantObjects } from '../objects/grants.js';
import { addAttemptCost } from '../runs/cost.js';
import { lockRun } from '../runs/end.js';
import { decisionsOf, submitterParty } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';
import { completeRun } from './complete.js';

/** The lifetime of an attestation token in seconds. A result may arrive long after its token was taken. */
const TOKEN_SECONDS = 3600;

function mismatch(message: string): CleanRoomError {
  return new CleanRoomError('digest-mismatch', message);
}

/** Checks that a run statement is about this job's program and attempt, and names only outputs that were uploaded. */
function checkStatement(
  job: Job,
  result: JobResult,
  uploaded: ReadonlyMap<Digest, number>
): ReadDocument<RunStatement> {
  const statement = readRunStatement(fromBase64(result.statement));
  const { spec, image, collaboration, attemptKey, outputs } = statement.value.predicate;
  const { revision } = job;
  if (
    attemptKey !== job.attemptKey ||
    spec !== revision.spec_digest ||
    image !== revision.image_digest ||
    collaboration !== revision.collaboration_digest
  ) {
    throw mismatch('The run statement is about another program or attempt than this job.');
  }
  const named = [outputs.notebook, ...(outputs.reviewCopies ?? []).map(copy => copy.object)];
  for (const { digest, bytes } of named) {
    if (!result.outputs.includes(digest) || uploaded.get(digest) !== bytes) {
      throw mismatch('The run statement names an output that was not uploaded.');
    }
  }
  if (new Set(result.outputs).size !== named.length || result.outputs.length !== named.length) {
    throw mismatch('The result names other outputs than its run statement.');
  }
  return statement;
}

async function grantOutputs(unit: UnitOfWork, job: Job, statement: RunStatement): Promise<void> {
  const { notebook, reviewers, reviewCopies = [] } = statement.predicate.outputs;
  const decisions = await decisionsOf(unit.trx, job.revision);
  const partyOf = (custodian: string): string[] =>
    decisions.filter(decision => decision.custodian_key === custodian).map(decision => decision.provider);
  const party = await submitterParty(unit.trx, job.run.submission);
  // All outputs are sealed. The layers of the reviewing custodians keep recipients from opening them before the review.
  await grantObjects(unit.trx, [notebook.digest], [party, ...reviewers.flatMap(partyOf)], unit.at);
  for (const { custodian, object } of reviewCopies) {
    await grantObjects(unit.trx, [object.digest], partyOf(custodian), unit.at);
  }
}

/**
 * Verifies the attestation token of a result. A result whose token does not verify would end the run without a valid receipt.
 *
 * @throws CleanRoomError `attestation-refused`
 */
export async function verifyResult(context: CoordinatorContext, job: Job, result: JobResult): Promise<void> {
  await verifyJobToken(context, job, result.token, {
    audience: RUN_AUDIENCE,
    nonce: runNonce(digestOf(fromBase64(result.statement))),
    maxAgeSeconds: TOKEN_SECONDS
  });
}

/**
 * Saves the result that ends an attempt. The run goes to output review if its statement names reviewing custodians, and is
 * completed otherwise. Sending the same result again changes nothing.
 *
 * @throws CleanRoomError `digest-mismatch`, `conflict` when the run has ended or has another result
 */
export async function acceptResult(
  context: CoordinatorContext,
  unit: UnitOfWork,
  job: Job,
  result: JobResult
): Promise<void> {
  const objects = await unit.trx
    .selectFrom('job_object')
    .select(['digest', 'bytes'])
    .where('attempt', '=', job.attempt)
    .where('stored', '=', true)
    .execute();
  const statement = checkStatement(job, result, new Map(objects.map(row => [row.digest, row.bytes])));
  const run = await lockRun(unit.trx, job.run.id);
  const earlier = await unit.trx
    .selectFrom('result')
    .select('run_statement_digest')
    .where('run', '=', run.id)
    .executeTakeFirst();
  if (earlier?.run_statement_digest === statement.digest) return;
  if (earlier !== undefined) throw new CleanRoomError('conflict', 'The run already has another result.');
  const { predicate } = statement.value;
  // Progress reports can be lost. A result shows that the notebook ran.
  const started =
    run.state === 'starting' || run.state === 'awaiting-keys'
      ? await transitionRun(unit, run, 'running')
      : run;
  await unit.trx
    .insertInto('result')
    .values({
      run: run.id,
      run_statement: statement.bytes,
      run_statement_digest: statement.digest,
      attestation_token: result.token,
      key_releases: JSON.stringify(result.keyReleases),
      output_digest: predicate.outputs.notebook.digest,
      reviewing_custodians: JSON.stringify(predicate.outputs.reviewers),
      received_at: unit.at
    })
    .execute();
  if (predicate.failure !== undefined) {
    await unit.trx
      .updateTable('run')
      .set({ failure: JSON.stringify(predicate.failure) })
      .where('id', '=', run.id)
      .execute();
  }
  await grantOutputs(unit, job, statement.value);
  // The attempt ends here, so the time of the review costs nothing.
  await unit.trx.updateTable('attempt').set({ ended_at: unit.at }).where('id', '=', job.attempt).execute();
  await addAttemptCost(unit, job.attempt);
  await unit.send('stop-attempt', { attempt: job.attempt }, 5);
  if (predicate.outputs.reviewers.length > 0) {
    await transitionRun(unit, started, 'output-review', { evidence: statement.digest });
  } else {
    await completeRun(context, unit, started);
  }
}

import { fromUtf8, toBase64, utf8, type Digest } from '@clean-room/protocol/bytes';
import { checkSchema, type Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Roster } from '@clean-room/protocol/parties';
import { Receipt } from '@clean-room/protocol/receipts';
import { OutputRelease } from '@clean-room/protocol/runs';
import { Spec } from '@clean-room/protocol/submissions';
import { signedAssets } from '../catalogue/assets.js';
import type { CoordinatorContext } from '../context.js';
import { transitionRun, type RunRow } from '../state/transitions.js';
import { collaborationByDigest } from '../parties/collaborations.js';
import { endRun, lockRun } from '../runs/end.js';
import { decisionsOf, revisionAt, submitterParty } from '../submissions/find.js';
import type { UnitOfWork } from '../state/unit-of-work.js';

/** Returns the newest roster of the party that lists the submitter, who may have left the party since. */
async function rosterListing(unit: UnitOfWork, party: string, submitter: string): Promise<Envelope> {
  const rows = await unit.trx
    .selectFrom('roster')
    .select('envelope')
    .where('party', '=', party)
    .orderBy('version', 'desc')
    .execute();
  const roster = rows.find(({ envelope }) =>
    Roster.peek(envelope).value.people.some(person => person.keys.includes(submitter))
  );
  if (roster === undefined)
    throw new CleanRoomError('not-found', `No roster of ${party} lists the person who submitted.`);
  return roster.envelope;
}

async function buildReceipt(context: CoordinatorContext, unit: UnitOfWork, run: RunRow): Promise<Receipt> {
  const { trx } = unit;
  const revision = await revisionAt(trx, run.submission, run.revision);
  const spec = Spec.read(revision.spec).value;
  const party = await submitterParty(trx, run.submission);
  const result = await trx
    .selectFrom('result')
    .selectAll()
    .where('run', '=', run.id)
    .executeTakeFirstOrThrow();
  const decisions = await decisionsOf(trx, revision);
  const releases = await trx
    .selectFrom('output_release')
    .select('envelope')
    .where('run', '=', run.id)
    .orderBy('provider')
    .execute();
  const kernelImage = context.services.kernelImages.get(revision.kernel_image_digest);
  return {
    format: 'clean-room.receipt/v1',
    statement: toBase64(result.run_statement),
    token: result.attestation_token,
    spec: toBase64(revision.spec),
    collaboration: (await collaborationByDigest(trx, revision.collaboration_digest)).envelope,
    request: revision.submission_request,
    submitterRoster: await rosterListing(unit, party, spec.submitter),
    assets: (await signedAssets(trx, spec)).map(({ version, policy }) => ({ version, policy })),
    approvals: decisions.flatMap(decision => decision.approval ?? []),
    keyReleases: [...result.key_releases],
    outputReleases: releases.map(release => release.envelope),
    kernelImage: {
      statement: kernelImage.statement,
      manifest: toBase64(kernelImage.manifest),
      config: toBase64(kernelImage.config)
    },
    image: { manifest: toBase64(revision.image_manifest), config: toBase64(revision.image_config) }
  };
}

/**
 * Completes a run, and saves its receipt in the same transaction, so that no completed run is without one. The log entry of this
 * transition names the run statement. The receipt gets the proof of that entry when the entry has its number.
 */
export async function completeRun(
  context: CoordinatorContext,
  unit: UnitOfWork,
  run: RunRow
): Promise<RunRow> {
  const { run_statement_digest: evidence } = await unit.trx
    .selectFrom('result')
    .select('run_statement_digest')
    .where('run', '=', run.id)
    .executeTakeFirstOrThrow();
  const completed = await transitionRun(unit, run, 'completed', { evidence });
  const receipt = checkSchema(Receipt, await buildReceipt(context, unit, completed), 'receipt');
  await unit.trx
    .insertInto('receipt')
    .values({ run: run.id, bytes: utf8(JSON.stringify(receipt)), log: null })
    .execute();
  return completed;
}

/**
 * Returns the receipt of a run as JSON.
 *
 * @throws CleanRoomError `conflict` when the run is not completed
 */
export async function receiptOf(context: CoordinatorContext, run: string): Promise<string> {
  const read = async () =>
    context.db.selectFrom('receipt').select(['bytes', 'log']).where('run', '=', run).executeTakeFirst();
  let row = await read();
  if (row?.log === null) {
    // The run was completed a moment ago, or the process that completed it was killed.
    await context.services.sequencer.sequence();
    row = await read();
  }
  if (row === undefined || row.log === null) {
    throw new CleanRoomError('conflict', 'The run has no receipt yet, because it is not completed.', {
      remedy: 'Wait until the run is completed.'
    });
  }
  return JSON.stringify({ ...(JSON.parse(fromUtf8(row.bytes)) as Receipt), log: row.log });
}

interface Review {
  readonly run: RunRow;
  readonly statement: Digest;
  readonly output: Digest;
  readonly custodian: string;
  readonly reviewers: readonly string[];
}

/**
 * Returns the open review of a run's outputs by one provider.
 *
 * @throws CleanRoomError `conflict`, `forbidden`
 */
export async function reviewBy(unit: UnitOfWork, provider: string, id: string): Promise<Review> {
  const run = await lockRun(unit.trx, id);
  const revision = await revisionAt(unit.trx, run.submission, run.revision);
  const decision = (await decisionsOf(unit.trx, revision)).find(row => row.provider === provider);
  const result = await unit.trx.selectFrom('result').selectAll().where('run', '=', id).executeTakeFirst();
  if (
    decision === undefined ||
    result === undefined ||
    !result.reviewing_custodians.includes(decision.custodian_key)
  ) {
    throw new CleanRoomError('forbidden', `The outputs of this run do not need a review by ${provider}.`);
  }
  if (run.state !== 'output-review') {
    throw new CleanRoomError(
      'conflict',
      `The outputs of this run cannot be reviewed now: the run is ${run.state}.`,
      { details: { state: run.state } }
    );
  }
  return {
    run,
    statement: result.run_statement_digest,
    output: result.output_digest,
    custodian: decision.custodian_key,
    reviewers: result.reviewing_custodians
  };
}

/**
 * Saves a custodian's output release. The last release that is needed completes the run.
 *
 * @throws CleanRoomError `signature-invalid`, `digest-mismatch`, `conflict`, `forbidden`
 */
export async function saveOutputRelease(
  context: CoordinatorContext,
  unit: UnitOfWork,
  provider: string,
  id: string,
  envelope: Envelope
): Promise<void> {
  const review = await reviewBy(unit, provider, id);
  const { value } = OutputRelease.open(envelope, review.custodian);
  if (
    value.provider !== provider ||
    value.custodian !== review.custodian ||
    value.statement !== review.statement
  ) {
    throw new CleanRoomError('digest-mismatch', 'The output release is for another run.');
  }
  if (!value.outputs.some(({ digest }) => digest === review.output)) {
    throw new CleanRoomError('digest-mismatch', 'The output release does not name this run’s output.');
  }
  await unit.trx
    .insertInto('output_release')
    .values({ run: id, provider, envelope: JSON.stringify(envelope), released_at: unit.at })
    .onConflict(conflict => conflict.doNothing())
    .execute();
  const releases = await unit.trx
    .selectFrom('output_release')
    .select('envelope')
    .where('run', '=', id)
    .execute();
  const custodians = new Set(releases.map(row => OutputRelease.peek(row.envelope).value.custodian));
  if (review.reviewers.every(reviewer => custodians.has(reviewer)))
    await completeRun(context, unit, review.run);
}

/** Ends a run because a reviewing custodian withholds its outputs. The custodian's layer of sealing is never removed. */
export async function withholdOutputs(
  unit: UnitOfWork,
  provider: string,
  id: string,
  reason: string
): Promise<void> {
  const { run } = await reviewBy(unit, provider, id);
  await endRun(unit, run, 'failed', {
    code: 'policy-refused',
    message: `${provider} withheld the outputs: ${reason}`
  });
}

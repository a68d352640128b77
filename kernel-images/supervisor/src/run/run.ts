import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { notebookEnvironment, requireProbe } from '@clean-room/sandbox';
import { digestFromHash, toBase64, type Digest } from '@clean-room/protocol/bytes';
import { generateAttemptKey } from '@clean-room/protocol/key-release';
import type { JobDocument, JobProgress, JobResult } from '@clean-room/protocol/jobs';
import { TERMS_WITHOUT_ASSETS } from '@clean-room/protocol/policies';
import { runNonce } from '@clean-room/protocol/runs';
import { clearPlaced, placeAssets, placeParameters } from '../assets/lay-out.js';
import { filterRun } from '../filter/filter.js';
import { deliverResult } from '../job/delivery.js';
import type { MailboxRetryPolicy } from '../keys/mailbox.js';
import { obtainKeys } from '../keys/obtain.js';
import { launcherAt } from '../launcher/launcher.js';
import { readSources } from '../notebook/source.js';
import { readMeasuredSpec, type MeasuredSpec } from '../spec/measured.js';
import { TokenClock } from '../time/clock.js';
import { verifyJob, type JobFacts, type TrustedJob } from '../trust/verify-job.js';
import { runNotebook } from './cells.js';
import { ImageRedrawer } from './images.js';
import { coresOf, sandboxLimits } from './limits.js';
import { USERS, type RuntimePaths } from './paths.js';
import { reviewersOf, sealRun } from './sealing.js';
import { buildRunStatement } from './statement.js';
import { ownToken, runToken } from './tokens.js';
import { clearWritable, placeWorkspace } from './workspace.js';

export interface RunOptions {
  readonly paths: RuntimePaths;
  /** Fetches the job; called once the sandbox is known to hold. */
  readonly fetchJob: () => Promise<JobDocument>;
  readonly report: (progress: JobProgress) => void;
  readonly mailboxPatience?: MailboxRetryPolicy;
  readonly signal?: AbortSignal;
}

/** Nothing is asked for, and no data is near, before the sandbox has proven to hold. */
async function probe(place: RuntimePaths, measured: MeasuredSpec): Promise<Digest> {
  const { compute } = measured.spec.value;
  await requireProbe({
    jail: place.jail,
    mode: place.profile,
    wardenPath: place.wardenPath,
    policyPath: place.policyPath,
    ...USERS.notebook,
    limits: await sandboxLimits(place.jail, TERMS_WITHOUT_ASSETS.run, compute),
    env: notebookEnvironment(coresOf(compute))
  });
  await clearWritable(place.jail);
  return digestFromHash(
    createHash('sha256')
      .update(await readFile(place.policyPath))
      .digest()
  );
}

async function execute(
  options: RunOptions,
  measured: MeasuredSpec,
  job: TrustedJob,
  released: Awaited<ReturnType<typeof obtainKeys>>
) {
  const { paths, report, signal } = options;
  const { value: spec } = measured.spec;
  const cells = readSources(measured.notebook);
  const sources = cells.filter(cell => cell.type === 'code').map(cell => cell.source);
  const datasets = await placeAssets(paths.jail, job.assets, released, signal);
  await placeParameters(paths.jail, spec.parameters);
  await placeWorkspace(paths, measured);
  const ran = await runNotebook({
    place: paths,
    limits: await sandboxLimits(paths.jail, job.terms.run, spec.compute),
    cores: coresOf(spec.compute),
    sources,
    onCell: cell => report({ phase: 'running', cell, cells: sources.length }),
    ...(signal === undefined ? {} : { signal })
  });
  const images = new ImageRedrawer(paths);
  try {
    const filtered = await filterRun(ran.cells, {
      terms: job.terms.outputs,
      datasets,
      reviewing: new Set(reviewersOf(job.providers).map(({ party }) => party)),
      decode: images.decode
    });
    return { ran, filtered, ...(await sealRun({ cells, ran, filtered }, spec, job.providers)) };
  } finally {
    await images.close();
  }
}

/**
 * One attempt from beginning to end. Whatever happens, the jail is empty of data afterwards.
 * @throws CleanRoomError with the reason why the attempt stopped; then nothing has left
 */
export async function runAttempt(options: RunOptions): Promise<void> {
  const { paths, signal } = options;
  const measured = await readMeasuredSpec(paths.root);
  const filter = await probe(paths, measured);
  const clock = new TokenClock();
  const launcher = launcherAt(paths.launcherSocket);
  const own = await ownToken(launcher, clock, signal);
  const startedAt = clock.now();
  const facts: JobFacts = { spec: measured.spec, own, profile: paths.profile, at: startedAt };
  const document = await options.fetchJob();
  const job = await verifyJob(document, facts);
  const key = await generateAttemptKey();
  if (job.providers.length > 0) options.report({ phase: 'awaiting-keys' });
  const released = await obtainKeys({
    job,
    facts,
    key,
    launcher,
    mailbox: document.mailbox,
    ...(options.mailboxPatience === undefined ? {} : { patience: options.mailboxPatience }),
    ...(signal === undefined ? {} : { signal })
  });
  try {
    const { ran, filtered, objects, outputs } = await execute(options, measured, job, released);
    await ownToken(launcher, clock, signal);
    const statement = buildRunStatement({
      facts,
      job,
      attemptKey: key.publicKey,
      released,
      filter,
      startedAt,
      endedAt: clock.now(),
      ran,
      filtered,
      outputs
    });
    const token = await runToken(launcher, clock, runNonce(statement.digest), signal);
    const result: JobResult = {
      statement: toBase64(statement.bytes),
      token,
      keyReleases: [...released.values()].map(({ envelope }) => envelope),
      outputs: objects.map(({ digest }) => digest)
    };
    await deliverResult(document.results, objects, result, signal === undefined ? {} : { signal });
  } finally {
    await clearPlaced(paths.jail);
    await clearWritable(paths.jail);
  }
}

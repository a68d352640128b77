import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { notebookEnvironment, requireProbe } from '@clean-room/sandbox';
import { digestFromHash, toBase64, type Digest } from '@clean-room/protocol/bytes';
import type { RetryPolicy } from '@clean-room/node-support';
import { ATTEMPT_SECONDS, JobDocument, type JobProgress, type JobResult } from '@clean-room/protocol/jobs';
import type { AttemptKeyPair } from '@clean-room/protocol/key-release';
import { TERMS_WITHOUT_ASSETS } from '@clean-room/protocol/policies';
import { runNonce } from '@clean-room/protocol/runs';
import { clearInputs, writeAssets, writeParameters } from '../assets/jail-inputs.js';
import { launcherAt, type LauncherClient } from '../attestation/launcher.js';
import { requestOwnToken, requestRunToken } from '../attestation/own-token.js';
import { TokenClock } from '../attestation/time.js';
import { filterRun } from '../filter/filter.js';
import type { JobChannel } from '../job/channel.js';
import { DELIVERY_RETRY, deliverResult } from '../job/delivery.js';
import { TransferAddresses } from '../job/transfer.js';
import { obtainKeys } from '../keys/obtain.js';
import { readSources } from '../notebook/source.js';
import { readMeasuredSpec, type MeasuredSpec } from '../spec/measured.js';
import { verifyJob, type JobFacts, type TrustedJob } from '../trust/verify-job.js';
import { runNotebook } from './cells.js';
import { SandboxedImageDecoder } from './image-decoder.js';
import { coresOf, sandboxLimits, sandboxOptions, type RuntimePaths } from './sandbox.js';
import { reviewersOf, sealRun } from './sealing.js';
import { buildRunStatement } from './statement.js';
import { clearWritable, copyWorkspace } from './workspace.js';

const MAX_JOB_BYTES = 64 * 1024 ** 2;
const JOB_RETRY: RetryPolicy = {
  totalMs: ATTEMPT_SECONDS.start * 1000,
  firstDelayMs: 250,
  longestDelayMs: 15_000
};

/** Options of `runAttempt`. */
export interface RunOptions {
  readonly paths: RuntimePaths;
  /** The attempt's key, which is registered with the coordinator. */
  readonly key: AttemptKeyPair;
  readonly launcher: LauncherClient;
  readonly channel: JobChannel;
  readonly report: (progress: JobProgress) => void;
  readonly signal?: AbortSignal;
}

/**
 * Probes the sandbox before any data is on the machine.
 *
 * @returns the digest of the sandbox's system call filter
 */
async function probeSandbox(paths: RuntimePaths, measured: MeasuredSpec): Promise<Digest> {
  const { compute } = measured.spec.value;
  await requireProbe({
    ...sandboxOptions(paths, 'notebook'),
    limits: await sandboxLimits(paths.jail, TERMS_WITHOUT_ASSETS.run, compute),
    env: notebookEnvironment(coresOf(compute))
  });
  await clearWritable(paths.jail);
  return digestFromHash(
    createHash('sha256')
      .update(await readFile(paths.policyPath))
      .digest()
  );
}

/** Opens the inputs into the jail, runs the notebook, filters its outputs and seals them. */
async function execute(
  options: RunOptions,
  addresses: TransferAddresses,
  measured: MeasuredSpec,
  job: TrustedJob,
  released: Awaited<ReturnType<typeof obtainKeys>>
) {
  const { paths, report, signal } = options;
  const { value: spec } = measured.spec;
  const cells = readSources(measured.notebook);
  const sources = cells.filter(cell => cell.type === 'code').map(cell => cell.source);
  const addressOf = (object: { readonly digest: Digest; readonly bytes: number }) =>
    addresses.request(
      { direction: 'download', ...object },
      { retryPolicy: JOB_RETRY, ...(signal && { signal }) }
    );
  const datasets = await writeAssets(paths.jail, job.assets, released, addressOf, signal);
  await writeParameters(paths.jail, spec.parameters);
  await copyWorkspace(paths, measured);
  const ran = await runNotebook({
    paths,
    limits: await sandboxLimits(paths.jail, job.terms.run, spec.compute),
    cores: coresOf(spec.compute),
    sources,
    onCell: cell => report({ phase: 'running', cell, cells: sources.length }),
    ...(signal === undefined ? {} : { signal })
  });
  const images = new SandboxedImageDecoder(paths);
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
 * Runs one attempt from the probe to the delivered result. The jail contains no data afterwards, even after an error.
 *
 * @throws CleanRoomError with the reason why the attempt stopped; no output has then left the TEE
 */
export async function runAttempt(options: RunOptions): Promise<void> {
  const { paths, key, launcher, channel, signal } = options;
  const measured = await readMeasuredSpec(paths.root);
  const filter = await probeSandbox(paths, measured);
  const clock = new TokenClock();
  const own = await requestOwnToken(launcher, clock, signal);
  const startedAt = clock.now();
  const facts: JobFacts = { spec: measured.spec, own, profile: paths.profile, at: startedAt };
  const document = await channel.get('', JobDocument, {
    retryPolicy: JOB_RETRY,
    limit: MAX_JOB_BYTES,
    ...(signal && { signal })
  });
  const job = await verifyJob(document, facts);
  if (job.providers.length > 0) options.report({ phase: 'awaiting-keys' });
  const released = await obtainKeys({
    job,
    facts,
    key,
    launcher,
    channel,
    ...(signal && { signal })
  });
  try {
    const addresses = new TransferAddresses(channel, own.simulated);
    const { ran, filtered, objects, outputs } = await execute(options, addresses, measured, job, released);
    // A finished run waits for its last tokens as long as for its delivery.
    const patient = launcherAt(paths.launcherSocket, DELIVERY_RETRY);
    // Sets the clock, so that the end time does not rest on the counter since the start.
    await requestOwnToken(patient, clock, signal);
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
    const token = await requestRunToken(patient, clock, runNonce(statement.digest), signal);
    const result: JobResult = {
      statement: toBase64(statement.bytes),
      token,
      keyReleases: [...released.values()].map(({ envelope }) => envelope),
      outputs: objects.map(({ digest }) => digest)
    };
    await deliverResult(channel, addresses, objects, result, signal && { signal });
  } finally {
    await clearInputs(paths.jail);
    await clearWritable(paths.jail);
  }
}

import { readFile, rm, writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { routes } from '@clean-room/api/coordinator';
import type { Figure } from '../../../packages/protocol/bench/figures.js';
import type { ConfidentialSpaceSettings } from '../../src/coordinator/backends/confidential-space/settings.js';
import { FakeCloud, PROJECT, WORKLOAD } from '../../test/cloud/cloud.js';
import { TestDeployment } from '../../test/support/deployment.js';
import { rosterOf, syntheticKernelImage } from '../../test/support/parties.js';
import { startPostgres } from '../../test/support/postgres.js';
import { startProcess, type CoordinatorProcess } from '../coordinator/process.js';

const MIB = 1024 ** 2;
const RUNS = 10_000;
/** Runs that are started before the coordinator is idle, so that all its code is loaded and has been used. */
const WARM_UP = 100;
/** Clients that submit. */
const CLIENTS = 16;
/** Time between two requests for the status of all machines. */
const WATCH_SECONDS = 3;
/** Time in which the peak is measured. */
const WATCHED_MS = 10_000;
/** Memory above that of the idle coordinator. */
const LIMIT_MIB = 300;

const SETTINGS: ConfidentialSpaceSettings = {
  kind: 'confidential-space',
  project: PROJECT.id,
  deployment: 'bench',
  zones: ['europe-west4-a'],
  subnetwork: 'clean-room',
  serviceAccount: WORKLOAD.email,
  tees: ['SEV'],
  spot: false,
  dollarsPerHour: {}
};

/** Returns the most memory that the coordinator has in some time in which it watches its machines. */
async function peakMemory({ pid }: CoordinatorProcess): Promise<number> {
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  await pause(WATCHED_MS);
  const kibibytes = /^VmHWM:\s+(?<peak>\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return (Number(kibibytes?.groups?.['peak']) * 1024) / MIB;
}

/** Publishes what a submission without data needs. */
async function publish(deployment: TestDeployment): Promise<void> {
  const { university, hospital, insurer } = deployment.parties;
  for (const party of [university, hospital, insurer])
    await deployment.person(party).call(routes.publishRoster, { body: { roster: rosterOf(party) } });
  const { envelope } = deployment.collaboration;
  await deployment
    .person(university)
    .call(routes.publishCollaboration, { body: { collaboration: envelope } });
}

/** Submits notebooks, whose runs start at once, and waits until `total` machines run. */
async function start(deployment: TestDeployment, cloud: FakeCloud, total: number): Promise<void> {
  const client = deployment.person(deployment.parties.university);
  const notebook = utf8('print(1)');
  await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
  const body = await deployment.sign(deployment.specOf([], notebook), notebook);
  const began = performance.now();
  let submitted = cloud.fleet.size;
  const submit = async (): Promise<void> => {
    while (submitted++ < total) await client.call(routes.createSubmission, { body });
  };
  const submissions = Promise.all(Array.from({ length: CLIENTS }, submit));
  let shown = cloud.fleet.size;
  while (cloud.fleet.size < total) {
    await pause(200);
    if (cloud.fleet.size < shown + 1000) continue;
    shown = cloud.fleet.size;
    console.error(`${shown} machines after ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  await submissions;
  console.error(`${total} machines after ${((performance.now() - began) / 1000).toFixed(0)} s`);
}

/**
 * Runs the benchmark.
 *
 * @param script - the bundled program of the coordinator
 */
export async function figures(script: string): Promise<Figure[]> {
  const [postgres, cloud] = await Promise.all([startPostgres(), FakeCloud.start()]);
  const deployment = await TestDeployment.prepare({
    database: await postgres.createDatabase('socket'),
    kernelImage: syntheticKernelImage(generateSigningKey(), false),
    config: { logLevel: 'warn' },
    limits: { requestsPerMinute: 1_000_000, watchSeconds: WATCH_SECONDS, startSeconds: 86_400 }
  });
  const { computeClientOptions: client, environment } = cloud;
  const coordinator = await startProcess(script, deployment, { settings: SETTINGS, client, environment });
  try {
    deployment.address = () => coordinator.url;
    await publish(deployment);
    await start(deployment, cloud, WARM_UP);
    const idle = await peakMemory(coordinator);
    await start(deployment, cloud, WARM_UP + RUNS);
    const watching = await peakMemory(coordinator);
    console.error(`${idle.toFixed(0)} MiB when idle, ${watching.toFixed(0)} MiB with ${RUNS} runs`);
    return [
      {
        figure: `memory of ${RUNS} runs in flight in the fake cloud`,
        unit: 'MB',
        value: Math.max(0, watching - idle),
        against: 'limit above idle',
        reference: LIMIT_MIB,
        limit: 1
      }
    ];
  } finally {
    await coordinator.stop();
    await cloud.stop();
    await postgres.stop();
    await rm(deployment.folder, { recursive: true, force: true });
  }
}

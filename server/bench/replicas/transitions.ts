import { rm } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { ApprovalBundle } from '@clean-room/protocol/approvals';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import { Checkpoint } from '@clean-room/protocol/log';
import { Spec, SubmissionRequest } from '@clean-room/protocol/submissions';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { Figure } from '../../../packages/protocol/bench/figures.js';
import { TestDeployment } from '../../test/support/deployment.js';
import { startPostgres } from '../../test/support/postgres.js';
import { startProcess } from '../coordinator/process.js';

/** The first submissions are not counted, because code is still being compiled. */
const WARM_UP = 200;
const SUBMISSIONS = 600;
/** Clients that send their next request as soon as the last one is answered. */
const CLIENTS = 8;
const GOAL_PER_SECOND = 300;
const P99_LIMIT_MS = 100;

/** A signed submission, and the signed approval of it. */
interface Prepared {
  readonly submission: Awaited<ReturnType<TestDeployment['sign']>>;
  readonly approval: ApprovalBundle;
}

/**
 * Signs submissions and approvals and uploads the files in advance, so that only the servers work during the measurement.
 */
async function prepare(deployment: TestDeployment, count: number): Promise<Prepared[]> {
  const { university, hospital } = deployment.parties;
  const client = deployment.person(university);
  const prepared: Prepared[] = [];
  for (let number = 0; number < count; number++) {
    const notebook = utf8(`print(${number})`);
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const submission = await deployment.sign(
      deployment.specOf(deployment.assets.slice(0, 1), notebook),
      notebook
    );
    const { image } = SubmissionRequest.peek(submission.request).value;
    const spec = Spec.read(fromBase64(submission.spec));
    prepared.push({ submission, approval: deployment.approvalOf(hospital, spec, image) });
  }
  return prepared;
}

/** Submits and approves, which makes five transitions each, and adds the time of each request to `times`. */
async function work(
  deployment: TestDeployment,
  urls: readonly string[],
  prepared: readonly Prepared[]
): Promise<number[]> {
  const { university, hospital } = deployment.parties;
  const person = (base: string): Client =>
    new Client({ base, token: () => deployment.personToken, party: university.name });
  const custodian = (base: string): Client =>
    new Client({ base, token: () => deployment.custodianTokens.get(hospital.name) ?? '' });
  const times: number[] = [];
  const timed = async <T>(request: () => Promise<T>): Promise<T> => {
    const start = performance.now();
    const answer = await request();
    times.push(performance.now() - start);
    return answer;
  };
  let turn = 0;
  const client = async (): Promise<void> => {
    for (let index = turn++; index < prepared.length; index = turn++) {
      const [replica = '', other = ''] = index % 2 === 0 ? urls : [...urls].reverse();
      const next = prepared[index];
      if (next === undefined) return;
      const { submission, approval } = next;
      const { id } = await timed(async () =>
        person(replica).call(routes.createSubmission, { body: submission })
      );
      await timed(async () => custodian(other).call(routes.approve, { params: { id }, body: approval }));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return times;
}

async function logSizeOf(deployment: TestDeployment): Promise<number> {
  const client = deployment.person(deployment.parties.university);
  const { checkpoint } = await client.call(routes.getCheckpoint, {});
  return Checkpoint.peek(checkpoint).value.head.size;
}

/**
 * Runs the benchmark.
 *
 * @param script - the bundled program of the server
 */
export async function figures(script: string): Promise<Figure[]> {
  const postgres = await startPostgres();
  const deployment = await TestDeployment.prepare({
    database: await postgres.createDatabase('socket'),
    config: { logLevel: 'warn' },
    limits: { requestsPerMinute: 1_000_000 }
  });
  const replicas = await Promise.all([startProcess(script, deployment), startProcess(script, deployment)]);
  try {
    const urls = replicas.map(({ url }) => url);
    let turn = 0;
    deployment.address = () => urls[turn++ % urls.length] ?? '';
    await deployment.publishDocuments();
    const prepared = await prepare(deployment, WARM_UP + SUBMISSIONS);
    await work(deployment, urls, prepared.slice(0, WARM_UP));
    const [size, start] = [await logSizeOf(deployment), performance.now()];
    const times = await work(deployment, urls, prepared.slice(WARM_UP));
    const seconds = (performance.now() - start) / 1000;
    const perSecond = ((await logSizeOf(deployment)) - size) / seconds;
    times.sort((a, b) => a - b);
    const at = (share: number): number => times[Math.ceil(times.length * share) - 1] ?? NaN;
    console.error(
      `${perSecond.toFixed(0)} transitions/s; half within ${at(0.5).toFixed(1)} ms, the slowest ${at(1).toFixed(1)} ms`
    );
    const where = 'two replicas, PostgreSQL';
    return [
      {
        figure: `time of ${GOAL_PER_SECOND} state transitions, ${where}`,
        unit: 'ms',
        value: (1000 * GOAL_PER_SECOND) / perSecond,
        against: 'limit',
        reference: 1000,
        limit: 1
      },
      {
        figure: `99 of 100 answers of ${CLIENTS} clients, ${where}`,
        unit: 'ms',
        value: at(0.99),
        against: 'limit',
        reference: P99_LIMIT_MS,
        limit: 1
      }
    ];
  } finally {
    await Promise.all(replicas.map(replica => replica.stop()));
    await postgres.stop();
    await rm(deployment.folder, { recursive: true, force: true });
  }
}

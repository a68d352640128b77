import { rm } from 'node:fs/promises';
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import type { Figure } from '../../../packages/protocol/bench/figures.js';
import { routes } from '@clean-room/api/coordinator';
import { TestDeployment } from '../../test/support/deployment.js';
import { DATABASES, type DatabaseFactory } from '../../test/support/databases.js';
import { startProcess } from '../coordinator/process.js';

/** The first seconds are not counted, because code is still being compiled. */
const WARM_UP_SECONDS = 4;
const SECONDS = 20;
const PER_SECOND = 50;
const SUBMISSION_EVERY = 10;
const STREAMS = 200;
const P99_LIMIT_MS = 50;
const REQUESTS = (WARM_UP_SECONDS + SECONDS) * PER_SECOND;

/** Requests that the screens of researchers send. */
const READS = [
  '/v1/me',
  '/v1/submissions',
  '/v1/submissions/{id}',
  '/v1/runs',
  '/v1/assets',
  '/v1/collaborations',
  '/v1/log/checkpoint',
  '/v1/log/proofs/0',
  '/v1/log/entries'
] as const;

/** Open event streams, with the number of events that each has received. */
class Streams {
  readonly counts: number[] = [];
  readonly #agent = new http.Agent({ maxSockets: Infinity });

  async open(url: string, headers: Record<string, string>): Promise<void> {
    for (let number = 0; number < STREAMS; number++) {
      this.counts.push(0);
      await new Promise<void>((resolve, reject) => {
        const request = http.get(`${url}/v1/events`, { headers, agent: this.#agent }, response => {
          if (response.statusCode !== 200) reject(new Error(`a stream was answered ${response.statusCode}`));
          response.setEncoding('utf8').on('data', (text: string) => {
            this.counts[number] = (this.counts[number] ?? 0) + text.split('event: submission').length - 1;
          });
          response.on('error', () => undefined); // The stream ends with the server.
          resolve();
        });
        request.on('error', reject);
      });
    }
  }

  /** Returns whether every stream receives `count` events within ten seconds. */
  async complete(count: number): Promise<boolean> {
    for (let tries = 0; tries < 100; tries++) {
      if (this.counts.every(received => received === count)) return true;
      await pause(100);
    }
    return false;
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
}

/** Signs submissions and uploads their files in advance, so that only the server works during the measurement. */
async function prepareSubmissions(deployment: TestDeployment): Promise<string[]> {
  const client = deployment.person(deployment.parties.university);
  const bodies: string[] = [];
  for (let number = 0; number < REQUESTS / SUBMISSION_EVERY; number++) {
    const notebook = utf8(`print(${number})`);
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    bodies.push(
      JSON.stringify(await deployment.sign(deployment.specOf(deployment.assets, notebook), notebook))
    );
  }
  return bodies;
}

/**
 * Sends each request at its planned time, whether or not earlier ones have been answered.
 *
 * @returns for each request, the milliseconds from its planned time to the end of the response
 */
async function load(url: string, headers: Record<string, string>, calls: readonly Call[]): Promise<number[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  const start = performance.now();
  const answers: Promise<number>[] = [];
  for (const [number, { method, path, body }] of calls.entries()) {
    const due = start + (number * 1000) / PER_SECOND;
    await pause(Math.max(0, due - performance.now()));
    answers.push(
      new Promise((resolve, reject) => {
        const type = body === undefined ? {} : { 'content-type': 'application/json' };
        const request = http.request(
          url + path,
          { method, agent, headers: { ...headers, ...type } },
          response => {
            response.resume().on('end', () => {
              if ((response.statusCode ?? 0) < 300) resolve(performance.now() - due);
              else reject(new Error(`${path} was answered ${response.statusCode}`));
            });
          }
        );
        request.on('error', reject).end(body);
      })
    );
  }
  const times = await Promise.all(answers);
  agent.destroy();
  return times;
}

async function measure(kind: string, databases: DatabaseFactory, script: string): Promise<Figure> {
  const deployment = await TestDeployment.prepare({ database: await databases.create() });
  const server = await startProcess(script, deployment);
  const { url } = server;
  const streams = new Streams();
  try {
    deployment.address = () => url;
    await deployment.publishDocuments();
    const headers = {
      authorization: `Bearer ${deployment.personToken}`,
      'clean-room-party': deployment.parties.university.name
    };
    const { id } = await deployment.submit();
    const submissions = await prepareSubmissions(deployment);
    await streams.open(url, headers);
    const calls = Array.from({ length: REQUESTS }, (_, number): Call => {
      const body = number % SUBMISSION_EVERY === 0 ? submissions[number / SUBMISSION_EVERY] : undefined;
      if (body !== undefined) return { method: 'POST', path: '/v1/submissions', body };
      return { method: 'GET', path: (READS[number % READS.length] ?? '/v1/me').replace('{id}', id) };
    });
    const all = await load(url, headers, calls);
    const times = all.slice(WARM_UP_SECONDS * PER_SECOND).sort((a, b) => a - b);
    if (!(await streams.complete(submissions.length)))
      throw new Error(`some of the ${STREAMS} streams did not receive every event`);
    const at = (share: number): number => times[Math.ceil(times.length * share) - 1] ?? NaN;
    console.error(`${kind}: half within ${at(0.5).toFixed(1)} ms, the slowest ${at(1).toFixed(1)} ms`);
    const figure = `99 of 100 answers at ${PER_SECOND}/s, ${STREAMS} event streams, ${kind}`;
    return {
      figure,
      unit: 'ms',
      value: at(0.99),
      against: 'limit',
      reference: P99_LIMIT_MS,
      limit: 1
    };
  } finally {
    streams.close();
    await server.stop();
    await rm(deployment.folder, { recursive: true, force: true });
  }
}

/**
 * Runs the benchmark on both kinds of database.
 *
 * @param script - the bundled program of the server
 */
export async function figures(script: string): Promise<Figure[]> {
  const all: Figure[] = [];
  for (const [kind, prepare] of DATABASES) {
    const databases = await prepare();
    try {
      all.push(await measure(kind, databases, script));
    } finally {
      await databases.dispose();
    }
  }
  return all;
}

import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { digestFromHash, type Digest } from '@clean-room/protocol/bytes';
import type { Figure } from '../../../packages/protocol/bench/figures.js';
import { TestDeployment } from '../../test/support/deployment.js';
import { DATABASES } from '../../test/support/databases.js';
import { startProcess, type CoordinatorProcess } from '../coordinator/process.js';

const MIB = 1024 ** 2;
/** Number of parallel transfers. */
const PARALLEL = 4;
/** Sizes of the objects, in MiB. */
const SMALL = 16;
const LARGE = 256;
/** Allowed ratio of the memory with large objects to that with small objects. */
const MAX_RATIO = 1.25;

/** Content that repeats one random block, so that it needs no memory of its size. */
class Content {
  readonly #block = randomBytes(MIB);
  readonly digest: Digest;

  constructor(readonly blocks: number) {
    const hash = createHash('sha256');
    for (let block = 0; block < blocks; block++) hash.update(this.#block);
    this.digest = digestFromHash(hash.digest());
  }

  *chunks(): Generator<Uint8Array> {
    for (let block = 0; block < this.blocks; block++) yield this.#block;
  }
}

async function transfer(
  method: 'PUT' | 'GET',
  url: string,
  authorization: string,
  content: Content
): Promise<void> {
  const length = { 'content-length': content.blocks * MIB, 'content-type': 'application/octet-stream' };
  const headers = { authorization, ...(method === 'PUT' ? length : {}) };
  const request = http.request(`${url}/v1/objects/${content.digest}`, { method, headers });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.on('response', resolve).on('error', reject);
  });
  await pipeline(Readable.from(method === 'PUT' ? content.chunks() : []), request);
  const response = await answered;
  response.resume();
  await finished(response);
  if ((response.statusCode ?? 0) >= 300) throw new Error(`${method} was answered ${response.statusCode}`);
}

/** Uploads and downloads objects in parallel. Returns the coordinator's peak memory in MiB. */
async function peakMemory(
  { pid, url }: CoordinatorProcess,
  authorization: string,
  blocks: number
): Promise<number> {
  const contents = Array.from({ length: PARALLEL }, () => new Content(blocks));
  await writeFile(`/proc/${pid}/clear_refs`, '5');
  for (const method of ['PUT', 'GET'] as const)
    await Promise.all(contents.map(content => transfer(method, url, authorization, content)));
  const kibibytes = /^VmHWM:\s+(?<peak>\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'));
  return (Number(kibibytes?.groups?.['peak']) * 1024) / MIB;
}

/**
 * Runs the benchmark.
 *
 * @param script - the bundled program of the coordinator
 */
export async function figures(script: string): Promise<Figure[]> {
  const [, prepare] = DATABASES[0] ?? [];
  if (prepare === undefined) throw new Error('There is no database.');
  const databases = await prepare();
  const deployment = await TestDeployment.prepare({ database: await databases.create() });
  const served = await startProcess(script, deployment);
  try {
    deployment.address = () => served.url;
    await deployment.publishDocuments();
    const authorization = `Bearer ${deployment.custodianTokens.get('hospital')}`;
    await peakMemory(served, authorization, SMALL); // Warm-up: compiled code and first buffers.
    const small = await peakMemory(served, authorization, SMALL);
    const large = await peakMemory(served, authorization, LARGE);
    return [
      {
        figure: `memory while ${PARALLEL} objects of ${LARGE} MB are transferred`,
        unit: 'MB',
        value: large,
        against: `the same with ${SMALL} MB`,
        reference: small,
        limit: MAX_RATIO
      }
    ];
  } finally {
    await served.stop();
    await databases.dispose();
    await rm(deployment.folder, { recursive: true, force: true });
  }
}

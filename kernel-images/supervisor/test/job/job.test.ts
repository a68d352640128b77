import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { deliverResult, objectAddress } from '../../src/job/delivery.js';
import { fetchJob, jobAddress } from '../../src/job/job.js';
import { ProgressReporter } from '../../src/job/progress.js';
import { JobServer } from '../support/job-server.js';
import { makeWorld } from '../support/world.js';

const RETRY = { totalMs: 400, firstDelayMs: 5, longestDelayMs: 20 };
let server: JobServer;

beforeEach(async () => {
  server = await JobServer.open(await makeWorld());
});
afterEach(() => server.close());

describe('the job’s address', () => {
  test('is accepted when it has the form of a job address', () => {
    const address = 'https://coordinator.example:8443/v1/jobs/abcdefghijklmnopqrstuvwxyz';
    expect(jobAddress({ CLEAN_ROOM_JOB: address })).toBe(address);
  });

  test.each([
    undefined,
    '',
    'file:///etc/passwd',
    'https://coordinator.example/v1/jobs/short',
    'https://user:pass@coordinator.example/v1/jobs/abcdefghijklmnopqrstuvwxyz',
    'https://coordinator.example/v1/jobs/abcdefghijklmnopqrstuvwxyz?x=1',
    'https://coordinator.example/v1/jobs/../../abcdefghijklmnopqrstuvwxyz'
  ])('%s is refused', address => {
    expect(() => jobAddress({ CLEAN_ROOM_JOB: address })).toThrow(
      expect.objectContaining({ code: 'malformed' }) as Error
    );
  });
});

describe('the job', () => {
  test('is fetched again after a temporary failure', async () => {
    server.failures.set('GET ', [503, 0]);
    await expect(fetchJob(server.address)).resolves.toMatchObject({ format: 'clean-room.job/v1' });
  });

  test.each([
    ['does not exist', [404], 'not-found'],
    ['redirects to another address', [302], 'unavailable']
  ])('that %s is refused', async (_, failures, code) => {
    server.failures.set('GET ', failures);
    await expect(fetchJob(server.address)).rejects.toMatchObject({ code });
  });

  test('with an unknown field is refused', async () => {
    server.changeJob = job => Object.assign({ ...job }, { recipients: ['age1…'] });
    await expect(fetchJob(server.address)).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('results', () => {
  const object = { bytes: utf8('sealed'), digest: digestOf(utf8('sealed')) };
  const result = { statement: 'e30=', token: 'a.b.c', keyReleases: [], outputs: [object.digest] };

  test('are delivered after temporary failures', async () => {
    const results = `${server.address}/results`;
    server.failures.set(`PUT /objects/${object.digest}`, [0, 500]);
    server.failures.set('POST /results', [503]);
    await deliverResult(results, [object], result, { retryPolicy: RETRY });
    expect(server.objects.get(object.digest)?.toString()).toBe('sealed');
    expect(server.result).toEqual(result);
  });

  test('are not delivered again after a refusal', async () => {
    server.failures.set('POST /results', [409]);
    await expect(
      deliverResult(`${server.address}/results`, [object], result, { retryPolicy: RETRY })
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('and their objects share a base address', () => {
    expect(objectAddress('https://c.example/v1/jobs/x/results', object.digest)).toBe(
      `https://c.example/v1/jobs/x/objects/${object.digest}`
    );
  });
});

describe('progress', () => {
  test('sends the first report at once and the last one when the run stops', async () => {
    const progress = new ProgressReporter(`${server.address}/progress`);
    progress.report({ phase: 'awaiting-keys' });
    progress.report({ phase: 'running', cell: 1, cells: 2 });
    await progress.stopped('run-failed');
    expect(server.progress[0]).toEqual({ phase: 'awaiting-keys' });
    expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'run-failed' });
  });

  test('does not reveal when cells end within one interval', async () => {
    const progress = new ProgressReporter(`${server.address}/progress`);
    for (let cell = 1; cell <= 50; cell++) progress.report({ phase: 'running', cell, cells: 50 });
    await new Promise(resolve => setTimeout(resolve, 1300));
    await progress.close();
    expect(server.progress.map(update => update.phase === 'running' && update.cell)).toEqual([1, 50]);
  });

  test('retries the report that a run stopped a limited number of times', async () => {
    server.failures.set('POST /progress', [0, 503]);
    await new ProgressReporter(`${server.address}/progress`).stopped('expired');
    expect(server.progress).toEqual([{ phase: 'stopped', reason: 'expired' }]);
    server.failures.set('POST /progress', [500, 500]);
    await new ProgressReporter(`${server.address}/progress`).stopped('expired', 2);
    expect(server.progress).toHaveLength(1);
  });
});

import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { deliverResult, objectAddress } from '../../src/job/delivery.js';
import { fetchJob, jobAddress } from '../../src/job/job.js';
import { ProgressReporter } from '../../src/job/progress.js';
import { JobServer } from '../support/job-server.js';
import { makeWorld } from '../support/world.js';

const HASTY = { totalMs: 400, firstDelayMs: 5, longestDelayMs: 20 };
let server: JobServer;

beforeEach(async () => {
  server = await JobServer.open(await makeWorld());
});
afterEach(() => server.close());

describe('the job’s address', () => {
  test('is taken when it has the form of one', () => {
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
      expect.objectContaining({ code: 'malformed' })
    );
  });
});

describe('the job', () => {
  test('is fetched, also when the server is slow to start', async () => {
    server.failures.set('GET ', [503, 0]);
    await expect(fetchJob(server.address)).resolves.toMatchObject({ format: 'clean-room.job/v1' });
  });

  test.each([
    ['is gone', [404], 'not-found'],
    ['is elsewhere: no redirect is followed', [302], 'unavailable']
  ])('that %s is not run', async (_, failures, code) => {
    server.failures.set('GET ', failures);
    await expect(fetchJob(server.address)).rejects.toMatchObject({ code });
  });

  test('with a field that nobody knows is refused', async () => {
    server.changeJob = job => ({ ...job, recipients: ['age1…'] }) as never;
    await expect(fetchJob(server.address)).rejects.toMatchObject({ code: 'malformed' });
  });
});

describe('results', () => {
  const object = { bytes: utf8('sealed'), digest: digestOf(utf8('sealed')) };
  const result = { statement: 'e30=', token: 'a.b.c', keyReleases: [], outputs: [object.digest] };

  test('are delivered, objects first, through failures that pass', async () => {
    const results = `${server.address}/results`;
    server.failures.set(`PUT /objects/${object.digest}`, [0, 500]);
    server.failures.set('POST /results', [503]);
    await deliverResult(results, [object], result, { patience: HASTY });
    expect(server.objects.get(object.digest)?.toString()).toBe('sealed');
    expect(server.result).toEqual(result);
  });

  test('are given up when they are refused', async () => {
    server.failures.set('POST /results', [409]);
    await expect(
      deliverResult(`${server.address}/results`, [object], result, { patience: HASTY })
    ).rejects.toMatchObject({ code: 'conflict' });
  });

  test('have their objects beside them', () => {
    expect(objectAddress('https://c.example/v1/jobs/x/results', object.digest)).toBe(
      `https://c.example/v1/jobs/x/objects/${object.digest}`
    );
  });
});

describe('progress', () => {
  test('tells the first word at once and the last before it is closed over', async () => {
    const progress = new ProgressReporter(`${server.address}/progress`);
    progress.report({ phase: 'awaiting-keys' });
    progress.report({ phase: 'running', cell: 1, cells: 2 });
    await progress.stopped('run-failed');
    expect(server.progress[0]).toEqual({ phase: 'awaiting-keys' });
    expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'run-failed' });
  });

  test('does not tell when cells end more closely than its beat', async () => {
    const progress = new ProgressReporter(`${server.address}/progress`);
    for (let cell = 1; cell <= 50; cell++) progress.report({ phase: 'running', cell, cells: 50 });
    await new Promise(resolve => setTimeout(resolve, 1300));
    await progress.close();
    expect(server.progress.map(update => update.phase === 'running' && update.cell)).toEqual([1, 50]);
  });

  test('says that a run stopped through failures that pass, and gives up on one that does not', async () => {
    server.failures.set('POST /progress', [0, 503]);
    await new ProgressReporter(`${server.address}/progress`).stopped('expired');
    expect(server.progress).toEqual([{ phase: 'stopped', reason: 'expired' }]);
    server.failures.set('POST /progress', [500, 500]);
    await new ProgressReporter(`${server.address}/progress`).stopped('expired', 2);
    expect(server.progress).toHaveLength(1);
  });
});

import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { ATTEMPT_AUDIENCE, JobDocument, registrationNonce } from '@clean-room/protocol/jobs';
import { generateAttemptKey } from '@clean-room/protocol/key-release';
import { launcherAt } from '../../src/attestation/launcher.js';
import { deliverResult } from '../../src/job/delivery.js';
import { jobAddress, registerAttempt } from '../../src/job/register.js';
import { ProgressReporter } from '../../src/job/progress.js';
import { TransferAddresses } from '../../src/job/transfer.js';
import { JobServer } from '../support/job-server.js';
import { LauncherServer } from '../support/launcher-server.js';
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

describe('registration', () => {
  let launcher: LauncherServer;
  beforeEach(async () => {
    launcher = await LauncherServer.open(() => server.world.machine);
  });
  afterEach(() => launcher.close());

  test('carries a token that binds the key to the job’s address, and gives the channel', async () => {
    const key = await generateAttemptKey();
    const client = launcherAt(launcher.socket);
    server.failures.set('POST /registration', [503, 0]);
    const channel = await registerAttempt(server.address, key, client, undefined, RETRY);
    expect(server.registrations).toEqual([{ attemptKey: key.publicKey, token: expect.any(String) }]);
    // One token serves all tries.
    expect(launcher.requests).toMatchObject([
      { audience: ATTEMPT_AUDIENCE, nonces: [registrationNonce(key.publicKey, server.address)] }
    ]);
    await expect(channel.get('', JobDocument, { retryPolicy: RETRY, limit: 1e6 })).resolves.toMatchObject({
      format: 'clean-room.job/v1'
    });
  });

  test.each([
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'conflict']
  ])('ends after a refusal with status %i', async (status, code) => {
    server.failures.set('POST /registration', [status]);
    const key = await generateAttemptKey();
    const register = registerAttempt(server.address, key, launcherAt(launcher.socket), undefined, RETRY);
    await expect(register).rejects.toMatchObject({ code });
  });
});

describe('the channel', () => {
  const options = { retryPolicy: RETRY, limit: 1_000_000 };

  test('repeats a request after a temporary failure', async () => {
    server.failures.set('GET ', [503, 0]);
    await expect(server.registeredChannel().get('', JobDocument, options)).resolves.toMatchObject({
      format: 'clean-room.job/v1'
    });
  });

  test('sends requests in order, one after the other', async () => {
    const channel = server.registeredChannel();
    const cells = [1, 2, 3, 4, 5];
    await Promise.all(
      cells.map(cell => channel.post('/progress', { phase: 'running', cell, cells: 5 }, options))
    );
    expect(server.progress.map(update => update.phase === 'running' && update.cell)).toEqual(cells);
  });

  test('goes on after a request that failed', async () => {
    const channel = server.registeredChannel();
    server.failures.set('POST /progress', [400]);
    await expect(channel.post('/progress', { phase: 'awaiting-keys' }, options)).rejects.toThrow();
    await channel.post('/progress', { phase: 'awaiting-keys' }, options);
    expect(server.progress).toHaveLength(1);
  });

  test.each([
    ['does not exist', [404], 'not-found'],
    ['redirects to another address', [302], 'unavailable']
  ])('refuses a job that %s', async (_, failures, code) => {
    server.failures.set('GET ', failures);
    await expect(server.registeredChannel().get('', JobDocument, options)).rejects.toMatchObject({ code });
  });

  test('refuses a job with an unknown field', async () => {
    server.changeJob = job => Object.assign({ ...job }, { recipients: ['age1…'] });
    await expect(server.registeredChannel().get('', JobDocument, options)).rejects.toMatchObject({
      code: 'malformed'
    });
  });
});

describe('results', () => {
  const object = { bytes: utf8('sealed'), digest: digestOf(utf8('sealed')) };
  const result = { statement: 'e30=', token: 'a.b.c', keyReleases: [], outputs: [object.digest] };
  const deliver = (): Promise<void> => {
    const channel = server.registeredChannel();
    const addresses = new TransferAddresses(channel, true);
    return deliverResult(channel, addresses, [object], result, { retryPolicy: RETRY });
  };

  test('are delivered after temporary failures', async () => {
    server.failures.set(`PUT /objects/${object.digest}`, [0, 500]);
    server.failures.set('POST /transfers', [503]);
    server.failures.set('POST /results', [503]);
    await deliver();
    expect(server.objects.get(object.digest)?.toString()).toBe('sealed');
    expect(server.result).toEqual(result);
  });

  test('are not delivered again after a refusal', async () => {
    server.failures.set('POST /results', [409]);
    await expect(deliver()).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('progress', () => {
  test('sends the first report at once and the last one when the run stops', async () => {
    const progress = new ProgressReporter(server.registeredChannel());
    progress.report({ phase: 'awaiting-keys' });
    progress.report({ phase: 'running', cell: 1, cells: 2 });
    await progress.stopped('run-failed');
    expect(server.progress[0]).toEqual({ phase: 'awaiting-keys' });
    expect(server.progress.at(-1)).toEqual({ phase: 'stopped', reason: 'run-failed' });
  });

  test('does not reveal when cells end within one interval', async () => {
    const progress = new ProgressReporter(server.registeredChannel());
    for (let cell = 1; cell <= 50; cell++) progress.report({ phase: 'running', cell, cells: 50 });
    await new Promise(resolve => setTimeout(resolve, 1300));
    await progress.close();
    expect(server.progress.map(update => update.phase === 'running' && update.cell)).toEqual([1, 50]);
  });

  test('retries the report that a run stopped a limited number of times', async () => {
    server.failures.set('POST /progress', [0, 503]);
    const progress = new ProgressReporter(server.registeredChannel());
    await progress.stopped('expired');
    expect(server.progress).toEqual([{ phase: 'stopped', reason: 'expired' }]);
    server.failures.set('POST /progress', [500, 500]);
    const twice = { attempts: 2, firstDelayMs: 1, longestDelayMs: 1 };
    await progress.stopped('expired', twice);
    expect(server.progress).toHaveLength(1);
  });
});

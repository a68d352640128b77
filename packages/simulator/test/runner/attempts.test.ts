import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Digest } from '@clean-room/protocol/bytes';
import { openIdentity } from '../../src/issuer/identity.js';
import {
  findAttempt,
  forgetAttempt,
  listAttempts,
  startAttempt,
  stopAttempt,
  type StartAttemptOptions,
  type AttemptStatus
} from '../../src/runner/attempts.js';
import { isRoot } from '../../src/container/tools.js';
import { writeImage, scriptLayer, toolsLayer } from '../support/image.js';
import { workspace } from '../support/workspace.js';

const LABELS = {
  'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB,MARK',
  'tee.launch_policy.log_redirect': 'always'
};
const root = workspace();
const layout = join(root, 'layout');
const identityDir = join(root, 'identity');
const cacheDir = join(root, 'cache');
const coordinator = fileURLToPath(new URL('../support/coordinator.js', import.meta.url));
const images = new Map<string, Digest>();
let tools: Buffer;
let stateDir: string;
let counter = 0;

beforeAll(async () => {
  chmodSync(root, 0o755);
  tools = await toolsLayer();
  await openIdentity(identityDir);
});

afterEach(async () => {
  for (const { attemptId } of await listAttempts(stateDir)) await stopAttempt(stateDir, attemptId);
});

/** Returns an image whose program is a script. */
async function image(script: string, labels: object = LABELS): Promise<Digest> {
  const key = JSON.stringify([script, labels]);
  const known = images.get(key);
  if (known !== undefined) return known;
  const config = { Entrypoint: ['/bin/sh', '/clean-room/run.sh'], Labels: labels };
  const digest = await writeImage(layout, [tools, await scriptLayer(script)], config);
  images.set(key, digest);
  return digest;
}

async function optionsFor(
  script: string,
  extra: Partial<StartAttemptOptions> = {},
  labels?: object
): Promise<StartAttemptOptions> {
  stateDir = extra.stateDir ?? mkdtempSync(join(root, 'state-'));
  return {
    attemptId: `attempt-${counter++}`,
    stateDir,
    layout,
    imageDigest: await image(script, labels),
    env: {},
    limits: { wallSeconds: 60 },
    identityDir,
    cacheDir,
    ...extra
  };
}

/** Calls `find` until it returns a value. */
async function until<T>(find: () => Promise<T | undefined> | T | undefined, timeoutMs = 60_000): Promise<T> {
  const end = Date.now() + timeoutMs;
  while (Date.now() < end) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(20);
  }
  throw new Error('The expected state was not reached in time.');
}

const running = ({ stateDir: dir, attemptId }: StartAttemptOptions): Promise<AttemptStatus> =>
  until(async () => {
    const status = await findAttempt(dir, attemptId);
    return status?.phase === 'running' ? status : undefined;
  });

interface Recorded {
  pid: number;
}
const recorded = (
  attempt: StartAttemptOptions,
  name: 'claim' | 'state'
): Recorded & { container?: Recorded } =>
  JSON.parse(readFileSync(join(attempt.stateDir, attempt.attemptId, `${name}.json`), 'utf8')) as Recorded;

/** Returns the processes of this machine whose command line contains `text`. */
function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** Returns a script that sleeps for a unique number of seconds, so that its process can be found. */
function sleeper(): { script: string; pids: () => number[]; alive: () => number } {
  const seconds = `${70_000 + counter++}.${process.pid}`;
  const pids = () => processesWith(`sleep\0${seconds}`);
  // A process that is the first of its container has no default handlers.
  return { script: `trap 'exit 0' TERM; sleep ${seconds} & wait`, pids, alive: () => pids().length };
}

function expectNoTemporaryFiles(attempt: StartAttemptOptions): void {
  const folder = join(attempt.stateDir, attempt.attemptId);
  expect(['scratch', 'launcher'].filter(name => existsSync(join(folder, name)))).toEqual([]);
}

describe('an attempt', () => {
  test('runs the image to its end and returns whether it succeeded', async () => {
    const attempt = await optionsFor('exit 7');
    const handle = await startAttempt(attempt);
    const end = await handle.ended();
    expect(end).toMatchObject({
      attemptId: attempt.attemptId,
      phase: 'ended',
      reason: 'finished',
      succeeded: false
    });
    expect(Date.parse(end.endedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(end.startedAt ?? ''));
    expect(await findAttempt(stateDir, attempt.attemptId)).toEqual(end);
    expectNoTemporaryFiles(attempt);
  });

  test('has the launcher’s socket and a token about this attempt', async () => {
    const script =
      'ls /run/container_launcher; cat /run/container_launcher/attestation_verifier_claims_token';
    const attempt = await optionsFor(script, { env: { CLEAN_ROOM_JOB: 'x' }, logRedirect: true });
    const handle = await startAttempt(attempt);
    await handle.ended();
    const output = readFileSync(join(stateDir, attempt.attemptId, 'stdout.log'), 'utf8')
      .trim()
      .split('\n');
    expect(output.slice(0, 2)).toEqual(['attestation_verifier_claims_token', 'teeserver.sock']);
    const claims = JSON.parse(
      Buffer.from((output[2] ?? '').split('.')[1] ?? '', 'base64url').toString()
    ) as object;
    expect(claims).toMatchObject({
      iss: 'https://simulator.invalid',
      submods: {
        container: {
          image_digest: attempt.imageDigest,
          args: ['/bin/sh', '/clean-room/run.sh'],
          env_override: { CLEAN_ROOM_JOB: 'x' },
          env: { PATH: '/bin', CLEAN_ROOM_JOB: 'x', HOSTNAME: expect.stringMatching(/^simulated-/) }
        }
      }
    });
    expect(statSync(join(stateDir, attempt.attemptId)).mode & 0o777).toBe(0o700);
  });

  test('does not store its output by default', async () => {
    const attempt = await optionsFor('echo secret; echo secret >&2');
    await (await startAttempt(attempt)).ended();
    const folder = join(stateDir, attempt.attemptId);
    for (const name of readdirSync(folder))
      expect(readFileSync(join(folder, name), 'utf8')).not.toContain('secret\n');
    expect(readdirSync(folder).filter(name => name.endsWith('.log'))).toEqual([]);
  });

  test('is ended at its time limit with all its processes', async () => {
    const { script, alive } = sleeper();
    const attempt = await optionsFor(script, { limits: { wallSeconds: 1 } });
    const end = await (await startAttempt(attempt)).ended();
    expect(end).toMatchObject({ phase: 'ended', reason: 'time-limit' });
    expect(end.succeeded).toBeUndefined();
    await until(() => (alive() === 0 ? true : undefined));
    expectNoTemporaryFiles(attempt);
  });

  test.each<[string, Partial<StartAttemptOptions>, object, string]>([
    ['a variable that the labels do not allow', { env: { LD_PRELOAD: 'x' } }, LABELS, 'launch-refused'],
    [
      'log redirection if the labels forbid it',
      { logRedirect: true },
      { 'tee.launch_policy.log_redirect': 'never' },
      'launch-refused'
    ],
    ['log redirection if the labels do not mention it', { logRedirect: true }, {}, 'launch-refused'],
    ['a missing image', { imageDigest: `sha256:${'0'.repeat(64)}` }, LABELS, 'image-refused']
  ])('%s: nothing is started', async (_, extra, labels, reason) => {
    const attempt = await optionsFor('exit 0', extra, labels);
    const end = await (await startAttempt(attempt)).ended();
    expect(end).toMatchObject({ phase: 'ended', reason, message: expect.stringMatching(/./) });
    expect(end.succeeded).toBeUndefined();
    expectNoTemporaryFiles(attempt);
  });

  test.each<[string, Partial<StartAttemptOptions>]>([
    ['no time limit', { limits: { wallSeconds: 0 } }],
    ['a time limit that exceeds a timer', { limits: { wallSeconds: 1e9 } }],
    ['an image by its tag', { imageDigest: 'python-cpu' }]
  ])('with %s is refused immediately and not stored', async (_, extra) => {
    await expect(startAttempt(await optionsFor('exit 0', extra))).rejects.toMatchObject({
      code: 'malformed'
    });
    expect(await listAttempts(stateDir)).toEqual([]);
  });

  test('fails if its runner does not start', async () => {
    const attempt = await optionsFor('exit 0');
    mkdirSync(join(stateDir, attempt.attemptId));
    const end = await (await startAttempt(attempt)).ended();
    expect(end).toMatchObject({ phase: 'ended', reason: 'failed', message: expect.stringMatching(/runner/) });
  });

  test('has an id that cannot be a path to another folder', async () => {
    for (const attemptId of ['', '../x', 'a/b', '.hidden', 'a'.repeat(129), 'a\n']) {
      await expect(startAttempt({ ...(await optionsFor('exit 0')), attemptId })).rejects.toMatchObject({
        code: 'malformed'
      });
    }
  });
});

describe('an attempt is never started twice', () => {
  test('by several calls at once, or by a call after its end', async () => {
    const attempt = await optionsFor('sleep 0.3; exit 4');
    const handles = await Promise.all(Array.from({ length: 5 }, () => startAttempt(attempt)));
    const ends = await Promise.all(handles.map(handle => handle.ended()));
    expect(new Set(ends.map(({ endedAt }) => endedAt)).size).toBe(1);
    const again = await (await startAttempt(attempt)).ended();
    expect(again).toEqual(ends[0]);
    await until(() => (processesWith(join(stateDir, attempt.attemptId)).length === 0 ? true : undefined));
  });

  test('by a second runner', async () => {
    const { script, alive } = sleeper();
    const attempt = await optionsFor(script);
    await startAttempt(attempt);
    await running(attempt);
    await until(() => (alive() === 1 ? true : undefined));
    const before = recorded(attempt, 'claim');
    const runner = fileURLToPath(new URL('../../bin/runner.js', import.meta.url));
    expect(spawnSync(process.execPath, [runner, join(stateDir, attempt.attemptId)]).status).toBe(0);
    expect(recorded(attempt, 'claim')).toEqual(before);
    expect(alive()).toBe(1);
    expect((await findAttempt(stateDir, attempt.attemptId))?.phase).toBe('running');
  });
});

describe('stopping', () => {
  test('ends everything in the container', async () => {
    const { script, alive } = sleeper();
    const attempt = await optionsFor(script);
    const handle = await startAttempt(attempt);
    await running(attempt);
    await until(() => (alive() === 1 ? true : undefined));
    expect(await handle.stop()).toMatchObject({ phase: 'ended', reason: 'stopped' });
    await until(() => (alive() === 0 ? true : undefined));
    expectNoTemporaryFiles(attempt);
    expect(await stopAttempt(stateDir, attempt.attemptId)).toEqual(await handle.status());
  });

  test('asks the program to end before it is killed', async () => {
    const script = "trap 'echo asked; exit 0' TERM; sleep 3600 & wait";
    const attempt = await optionsFor(script, { logRedirect: true });
    const handle = await startAttempt(attempt);
    await running(attempt);
    await sleep(300);
    expect(await handle.stop()).toMatchObject({ reason: 'stopped' });
    expect(readFileSync(join(stateDir, attempt.attemptId, 'stdout.log'), 'utf8')).toBe('asked\n');
  });

  test('kills a program that ignores the request', async () => {
    const { script, alive } = sleeper();
    const attempt = await optionsFor(`trap '' TERM; ${script.slice(script.indexOf('sleep'))}`);
    const handle = await startAttempt(attempt);
    await running(attempt);
    await until(() => (alive() === 1 ? true : undefined));
    const began = performance.now();
    expect(await handle.stop()).toMatchObject({ reason: 'stopped' });
    expect(performance.now() - began).toBeGreaterThan(4000);
    await until(() => (alive() === 0 ? true : undefined));
    expectNoTemporaryFiles(attempt);
  });

  test('works at any time during the start', async () => {
    for (const delay of [0, 30, 80, 150, 300, 500]) {
      const { script, alive } = sleeper();
      const attempt = await optionsFor(script);
      await startAttempt(attempt);
      await sleep(delay);
      expect(await stopAttempt(stateDir, attempt.attemptId)).toMatchObject({
        phase: 'ended',
        reason: 'stopped'
      });
      await sleep(300);
      expect(alive()).toBe(0);
      expect((await findAttempt(stateDir, attempt.attemptId))?.reason).toBe('stopped');
      expectNoTemporaryFiles(attempt);
    }
  });

  test('prevents an attempt without a runner from ever starting', async () => {
    const attempt = await optionsFor('exit 0');
    await startAttempt(attempt);
    const folder = join(stateDir, attempt.attemptId);
    await (await startAttempt(attempt)).ended();
    // The state that a coordinator leaves if it is killed between writing the request and starting the runner.
    const unstarted = { ...attempt, attemptId: 'unstarted' };
    mkdirSync(join(stateDir, 'unstarted'));
    const request = JSON.parse(readFileSync(join(folder, 'request.json'), 'utf8')) as object;
    writeFileSync(
      join(stateDir, 'unstarted', 'request.json'),
      JSON.stringify({ ...request, attemptId: 'unstarted' })
    );
    expect(await findAttempt(stateDir, 'unstarted')).toEqual({ attemptId: 'unstarted', phase: 'starting' });
    expect(await stopAttempt(stateDir, 'unstarted')).toMatchObject({ phase: 'ended', reason: 'stopped' });
    expect(await (await startAttempt(unstarted)).ended()).toMatchObject({ reason: 'stopped' });
  });

  test('prevents an attempt that is still unknown from ever starting', async () => {
    const attempt = await optionsFor('exit 0');
    expect(await findAttempt(stateDir, attempt.attemptId)).toBeUndefined();
    expect(await stopAttempt(stateDir, attempt.attemptId)).toMatchObject({ reason: 'stopped' });
    expect(await (await startAttempt(attempt)).ended()).toMatchObject({ reason: 'stopped' });
    expect(await listAttempts(join(stateDir, 'absent'))).toEqual([]);
  });
});

describe('kill -9', () => {
  test('of the coordinator: the attempt continues, and another process can wait for it', async () => {
    const { script, pids, alive } = sleeper();
    const attempt = await optionsFor(`${script}\nexit 9`);
    const caller = spawn(process.execPath, [coordinator, JSON.stringify(attempt)], {
      stdio: ['ignore', 'pipe', 'inherit']
    });
    await once(caller.stdout, 'data');
    await running(attempt);
    await until(() => (alive() === 1 ? true : undefined));
    caller.kill('SIGKILL');
    await once(caller, 'exit');
    await sleep(300);
    expect(alive()).toBe(1);
    expect(await listAttempts(stateDir)).toMatchObject([{ attemptId: attempt.attemptId, phase: 'running' }]);
    const handle = await startAttempt(attempt);
    expect(alive()).toBe(1);
    for (const pid of pids()) process.kill(pid);
    expect(await handle.ended()).toMatchObject({ reason: 'finished', succeeded: false });
  });

  test('of the coordinator before it started a runner: the next call starts it once', async () => {
    const attempt = await optionsFor('exit 2');
    const first = { ...attempt, attemptId: 'template' };
    await (await startAttempt(first)).ended();
    const request = JSON.parse(readFileSync(join(stateDir, 'template', 'request.json'), 'utf8')) as object;
    mkdirSync(join(stateDir, attempt.attemptId));
    writeFileSync(
      join(stateDir, attempt.attemptId, 'request.json'),
      JSON.stringify({ ...request, attemptId: attempt.attemptId })
    );
    expect((await findAttempt(stateDir, attempt.attemptId))?.phase).toBe('starting');
    expect(await (await startAttempt(attempt)).ended()).toMatchObject({
      reason: 'finished',
      succeeded: false
    });
  });

  test('of the runner: its container dies too, and the attempt is lost and not started again', async () => {
    const { script, alive } = sleeper();
    const attempt = await optionsFor(script);
    await startAttempt(attempt);
    await running(attempt);
    await until(() => (alive() === 1 ? true : undefined));
    process.kill(recorded(attempt, 'claim').pid, 'SIGKILL');
    const end = await until(async () => {
      const status = await findAttempt(stateDir, attempt.attemptId);
      return status?.phase === 'ended' ? status : undefined;
    });
    expect(end).toMatchObject({ reason: 'lost', message: expect.stringMatching(/runner/) });
    await until(() => (alive() === 0 ? true : undefined));
    expectNoTemporaryFiles(attempt);
    expect(await (await startAttempt(attempt)).ended()).toEqual(end);
    await sleep(300);
    expect(alive()).toBe(0);
  });

  test('of the runner at any time', async () => {
    for (const delay of [20, 60, 100, 120, 130, 140, 150, 160, 180, 220, 300, 420]) {
      const { script, alive } = sleeper();
      const attempt = await optionsFor(script);
      await startAttempt(attempt);
      const { pid } = await until(() =>
        existsSync(join(stateDir, attempt.attemptId, 'claim.json')) ? recorded(attempt, 'claim') : undefined
      );
      await sleep(delay);
      process.kill(pid, 'SIGKILL');
      const end = await (await startAttempt(attempt)).ended();
      expect(end.reason).toBe('lost');
      await sleep(300);
      expect(alive()).toBe(0);
      expectNoTemporaryFiles(attempt);
    }
  });

  test('of the container: the attempt fails', async () => {
    const { script, alive } = sleeper();
    const attempt = await optionsFor(script);
    const handle = await startAttempt(attempt);
    await running(attempt);
    await until(() => (alive() === 1 ? true : undefined));
    // Waits for the pid: kill(0) would end this test's own process group.
    const pid = await until(() => recorded(attempt, 'state').container?.pid);
    process.kill(pid, 'SIGKILL');
    expect(await handle.ended()).toMatchObject({ reason: 'failed' });
    await until(() => (alive() === 0 ? true : undefined));
  });
});

describe('forgetting an attempt', () => {
  test('is possible only after its end', async () => {
    const { script } = sleeper();
    const attempt = await optionsFor(script);
    await startAttempt(attempt);
    await running(attempt);
    await expect(forgetAttempt(stateDir, attempt.attemptId)).rejects.toMatchObject({ code: 'conflict' });
    await stopAttempt(stateDir, attempt.attemptId);
    await forgetAttempt(stateDir, attempt.attemptId);
    expect(await findAttempt(stateDir, attempt.attemptId)).toBeUndefined();
  });
});

if (isRoot()) {
  const ORDINARY = 54321;

  /** Returns an attempt with folders of an ordinary user, and the command with which that user starts it and waits for its end. */
  async function ordinaryAttempt(
    script: string
  ): Promise<{ attempt: StartAttemptOptions; command: string[] }> {
    const home = mkdtempSync(join(root, 'home-'));
    chownSync(home, ORDINARY, ORDINARY);
    const attempt = await optionsFor(script, {
      stateDir: join(home, 'state'),
      identityDir: join(home, 'identity'),
      cacheDir: join(home, 'cache'),
      logRedirect: true
    });
    const user = [`--reuid=${ORDINARY}`, `--regid=${ORDINARY}`, '--clear-groups', '--inh-caps=-all'];
    return { attempt, command: [...user, process.execPath, coordinator, JSON.stringify(attempt), 'wait'] };
  }

  test('an attempt of an ordinary user runs, and its files are removed', async () => {
    const { attempt, command } = await ordinaryAttempt(
      'mkdir -p /closed/deep && echo x > /closed/deep/file && ls -l /bin > /dev/null; exit 6'
    );
    const { stdout } = spawnSync('setpriv', command, { encoding: 'utf8', cwd: '/' });
    const end = JSON.parse(stdout.split('\n').at(-2) ?? '') as AttemptStatus;
    expect(end).toMatchObject({ phase: 'ended', reason: 'finished', succeeded: false });
    expect(statSync(join(attempt.stateDir, attempt.attemptId)).uid).toBe(ORDINARY);
    expectNoTemporaryFiles(attempt);
  });

  test('the program of an ordinary user is asked to end', async () => {
    const { attempt, command } = await ordinaryAttempt("trap 'echo asked; exit 0' TERM; sleep 3600 & wait");
    const waiting = spawn('setpriv', command, { cwd: '/', stdio: 'ignore' });
    await running(attempt);
    await sleep(500);
    expect(await stopAttempt(attempt.stateDir, attempt.attemptId)).toMatchObject({ reason: 'stopped' });
    const folder = join(attempt.stateDir, attempt.attemptId);
    expect(readFileSync(join(folder, 'stdout.log'), 'utf8')).toBe('asked\n');
    waiting.kill();
  });
}

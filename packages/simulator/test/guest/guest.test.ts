import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LayoutStore } from '@clean-room/oci/layout';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import {
  AttestationService,
  bootGuest,
  type Guest,
  type GuestOptions,
  type LauncherLogEntry,
  type TokenSubject
} from '../../src/guest/index.js';
import { SUBJECT } from '../support/subject.js';
import { scriptLayer, toolsLayer, writeImage } from '../support/image.js';
import { workspace } from '../support/workspace.js';

const root = workspace();
const layout = join(root, 'layout');
let tools: Buffer;
let counter = 0;
const booted: Guest[] = [];

beforeAll(async () => {
  await LayoutStore.open(layout);
  tools = await toolsLayer();
});

afterEach(async () => {
  for (const guest of booted.splice(0)) {
    guest.cutPower();
    await guest.ended;
  }
});

/** Returns a token that says nothing, as the guest does not verify tokens. */
function unsignedToken(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({})}.${part({ exp: Math.floor(Date.now() / 1000) + 3600 })}.x`;
}

interface Booted {
  readonly guest: Guest;
  readonly entries: LauncherLogEntry[];
  readonly serial: string[];
  readonly subjects: TokenSubject[];
  readonly waited: number[];
  readonly folder: string;
  /** Waits for a message of the launcher's log. */
  readonly seen: (message: string) => Promise<void>;
}

interface Settings extends Partial<GuestOptions> {
  readonly script?: string;
  readonly labels?: Record<string, string>;
  readonly custom?: Record<string, string>;
}

async function boot({ script = 'exit 0', labels = {}, custom = {}, ...others }: Settings): Promise<Booted> {
  const config = { Entrypoint: ['/bin/sh', '/clean-room/run.sh'], Labels: labels };
  const digest: Digest = await writeImage(layout, [tools, await scriptLayer(script)], config);
  const entries: LauncherLogEntry[] = [];
  const [serial, subjects, waited]: [string[], TokenSubject[], number[]] = [[], [], []];
  const folder = join(root, `guest-${counter++}`);
  mkdirSync(folder);
  const guest = bootGuest({
    machine: { ...SUBJECT.machine, zone: 'europe-west4-b', instanceName: 'run-7f3a' },
    metadata: () => ({ 'tee-image-reference': `registry.example/i@${digest}`, ...custom }),
    hardened: true,
    findImage: async () => ({ store: await LayoutStore.open(layout), digest }),
    openIssuer: subject => {
      subjects.push(subject);
      return Promise.resolve({ issue: () => Promise.resolve(unsignedToken()) });
    },
    service: new AttestationService({ region: 'europe-west4' }),
    folder,
    cacheDir: join(root, 'cache'),
    log: entry => entries.push(entry),
    serial: line => serial.push(line),
    waitForShutdown: milliseconds => {
      waited.push(milliseconds);
      return Promise.resolve();
    },
    ...others
  });
  booted.push(guest);
  const seen = async (message: string) => {
    for (let waits = 0; waits < 1500 && !entries.some(entry => entry.message === message); waits++)
      await delay(20);
  };
  return { guest, entries, serial, subjects, waited, folder, seen };
}

const texts = (entries: readonly LauncherLogEntry[]) => entries.map(({ message }) => message);
const exitOf = (entries: readonly LauncherLogEntry[]) =>
  entries.findLast(({ message }) => message === 'TEE container launcher exiting')?.attributes;

const SUCCESS = { exit_code: 0, exit_msg: 'workload finished successfully, shutting down the VM' };
const FAILURE = { exit_code: 1, exit_msg: 'workload or launcher error, shutting down the VM' };
const REBOOT = { exit_code: 3, exit_msg: 'rebooting VM' };

describe('a guest', () => {
  test('runs its image, says only that it succeeded, and powers off after two minutes', async () => {
    const { guest, entries, serial, waited, folder } = await boot({ script: 'exit 0' });
    await guest.ended;
    expect(waited).toEqual([120_000]);
    expect(texts(entries)).toEqual(
      expect.arrayContaining([
        'Boot completed',
        'TEE container launcher initiating',
        'successfully refreshed attestation token',
        'Container stdout/stderr will not be redirected.',
        'Workload setup completed',
        'workload task started',
        'workload task ended and returned 0',
        'Workload completed',
        'TEE container launcher exiting'
      ])
    );
    expect(exitOf(entries)).toEqual(SUCCESS);
    expect(serial.at(-1)).toMatch(
      /^time=\S+Z level=INFO msg="TEE container launcher exiting" exit_code=0 exit_msg="workload finished successfully, shutting down the VM"$/
    );
    expect(existsSync(folder)).toBe(false);
  });

  test('does not say with which code its program failed', async () => {
    const { guest, entries, serial } = await boot({ script: 'exit 73' });
    await guest.ended;
    expect(texts(entries)).toContain('workload task ended and returned non-zero');
    expect(texts(entries)).toContain('workload finished with a non-zero return code');
    expect(exitOf(entries)).toEqual(FAILURE);
    expect(serial.join('\n')).not.toMatch(/\b73\b/);
  });

  test('describes its machine, image and settings to the issuer', async () => {
    const { guest, subjects, entries } = await boot({
      labels: { 'tee.launch_policy.allow_env_override': 'CLEAN_ROOM_JOB' },
      custom: { 'tee-env-CLEAN_ROOM_JOB': 'https://x', 'tee-impersonate-service-accounts': 'other@p' }
    });
    await guest.ended;
    expect(subjects).toMatchObject([
      {
        machine: {
          instanceName: 'run-7f3a',
          serviceAccounts: [...SUBJECT.machine.serviceAccounts, 'other@p']
        },
        container: {
          args: ['/bin/sh', '/clean-room/run.sh'],
          env: { CLEAN_ROOM_JOB: 'https://x', HOSTNAME: 'run-7f3a' },
          envOverride: { CLEAN_ROOM_JOB: 'https://x' },
          restartPolicy: 'Never'
        }
      }
    ]);
    expect(texts(entries).find(text => text.startsWith('Launch Spec: '))).toContain(
      'Envs:[{Name:CLEAN_ROOM_JOB Value:[REDACTED]}]'
    );
  });

  test.each<[string, Settings, string]>([
    [
      'metadata that the launcher refuses',
      { custom: { 'tee-restart-policy': 'x' } },
      'invalid restart policy: x'
    ],
    [
      'a variable that the image does not allow',
      { custom: { 'tee-env-A': '1' } },
      'env var {A 1} is not allowed to be overridden on this image; allowed envs to be overridden: []'
    ],
    [
      'redirection that the image does not allow',
      { custom: { 'tee-container-log-redirect': 'true' } },
      'logging redirection only allowed on debug environment by image'
    ]
  ])('with %s starts nothing and powers off', async (_, settings, text) => {
    const { guest, entries, waited } = await boot(settings);
    await guest.ended;
    expect(entries.filter(({ severity }) => severity === 'ERROR')).toEqual([
      expect.objectContaining({ message: expect.stringContaining(text) })
    ]);
    expect(texts(entries)).not.toContain('workload task started');
    expect(exitOf(entries)).toEqual(FAILURE);
    expect(waited).toEqual([120_000]);
  });

  test('pulls its image up to four times, half a second apart', async () => {
    const times: number[] = [];
    const fail = (from: number) => async () => {
      times.push(performance.now());
      if (times.length <= from) throw new CleanRoomError('registry-failed', 'The registry is down.');
      return Promise.reject(new CleanRoomError('image-unknown', 'The image is missing.'));
    };
    const { guest, entries } = await boot({ findImage: fail(1) });
    await guest.ended;
    expect(times).toHaveLength(4);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(495);
    expect(texts(entries)).toContain(
      'cannot pull the image: failed to pull image with retries, the last error is: The image is missing.'
    );
    expect(exitOf(entries)).toEqual(FAILURE);
  });

  test('does not start its program if the service does not issue the first token', async () => {
    const service = new AttestationService({ region: 'europe-west4' });
    service.failures.push(503);
    const { guest, entries } = await boot({ service });
    await guest.ended;
    expect(texts(entries).find(text => text.startsWith('failed to fetch'))).toBe(
      'failed to fetch and write OIDC token: failed to retrieve attestation service token: calling v1.VerifyConfidentialSpace in europe-west4: googleapi: Error 503: The service is currently unavailable.'
    );
    expect(texts(entries)).not.toContain('workload task started');
    expect(exitOf(entries)).toEqual(FAILURE);
  });

  test('runs its program again if the operator asked for that', async () => {
    let boots = 0;
    const { guest, entries, waited } = await boot({
      script: 'exit 1',
      custom: { 'tee-restart-policy': 'OnFailure' },
      waitForShutdown: milliseconds => {
        waited.push(milliseconds);
        if (++boots === 2) guest.cutPower();
        return Promise.resolve();
      }
    });
    await guest.ended;
    expect(texts(entries).filter(text => text === 'workload task started')).toHaveLength(2);
    expect(exitOf(entries)).toEqual(REBOOT);
  });

  test('with the debug image stays on after its program', async () => {
    const { guest, entries, seen } = await boot({ hardened: false });
    await seen('TEE container launcher exiting');
    expect(exitOf(entries)).toEqual({ exit_code: 4, exit_msg: 'VM remains running' });
    const isOn = await Promise.race([guest.ended.then(() => false), delay(300, true)]);
    expect(isOn).toBe(true);
  });

  test.each([
    ['true', true, true],
    ['serial', true, false],
    ['cloud_logging', false, true]
  ])('with redirection %s passes on output while the program runs', async (redirect, toSerial, toCloud) => {
    const { guest, entries, serial } = await boot({
      script: "echo out; echo err >&2; trap 'exit 0' TERM; sleep 60 & wait",
      labels: { 'tee.launch_policy.log_redirect': 'always' },
      custom: { 'tee-container-log-redirect': redirect }
    });
    const has = () => [serial, texts(entries)].some(lines => lines.includes('out') && lines.includes('err'));
    for (let waits = 0; waits < 500 && !has(); waits++) await delay(20);
    expect([serial.includes('out'), texts(entries).includes('out')]).toEqual([toSerial, toCloud]);
    if (toCloud) expect(entries.find(({ message }) => message === 'err')?.severity).toBe('ERROR');
    guest.pressPowerButton();
    await guest.ended;
  });
});

describe('the power button', () => {
  test('sends SIGTERM to the program, which ends the launcher as usual', async () => {
    const { guest, entries, seen, waited } = await boot({ script: "trap 'exit 0' TERM; sleep 3600 & wait" });
    await seen('workload task started');
    await delay(300);
    guest.pressPowerButton();
    await guest.ended;
    expect(exitOf(entries)).toEqual(SUCCESS);
    expect(waited).toEqual([120_000]);
  });

  test('forces nothing: a program that ignores it continues until the power is cut', async () => {
    const { guest, entries, seen, waited, folder } = await boot({
      script: "trap '' TERM; sleep 3600 & wait"
    });
    await seen('workload task started');
    await delay(300);
    guest.pressPowerButton();
    expect(await Promise.race([guest.ended.then(() => false), delay(1000, true)])).toBe(true);
    const before = entries.length;
    guest.cutPower();
    await guest.ended;
    // Nothing is logged and nothing is waited for without power.
    expect(entries.slice(before)).toEqual([]);
    expect(waited).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  test('has no effect before and after the program, and the power can be cut then', async () => {
    const { guest, entries, seen, folder } = await boot({
      waitForShutdown: () => new Promise(() => undefined)
    });
    guest.pressPowerButton();
    await seen('TEE container launcher exiting');
    expect(exitOf(entries)).toEqual(SUCCESS);
    guest.pressPowerButton();
    expect(await Promise.race([guest.ended.then(() => false), delay(300, true)])).toBe(true);
    guest.cutPower();
    await guest.ended;
    expect(existsSync(folder)).toBe(false);
  });
});

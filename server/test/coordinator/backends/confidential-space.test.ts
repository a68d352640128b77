import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Compute } from 'google-auth-library';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { openConfidentialSpace } from '../../../src/coordinator/backends/confidential-space/backend.js';
import { instanceName } from '../../../src/coordinator/backends/confidential-space/names.js';
import type { ConfidentialSpaceSettings } from '../../../src/coordinator/backends/confidential-space/settings.js';
import type { AttemptPlan, TeeBackend } from '../../../src/coordinator/start.js';
import { newId } from '../../../src/platform/ids.js';
import { FakeCloud, PROJECT, WORKLOAD } from '../../cloud/cloud.js';
import { ScriptedGuests, type ScriptedGuest } from '../../cloud/guests/scripted.js';
import { eventually } from '../../support/wait.js';
import { describeTeeBackend, type BackendUnderTest } from './contract.js';

const ZONES = ['europe-west4-a', 'europe-west4-b', 'us-central1-a'];
const IMAGE = digestOf(utf8('an image'));

const SETTINGS: ConfidentialSpaceSettings = {
  kind: 'confidential-space',
  project: PROJECT.id,
  deployment: 'main',
  zones: ZONES,
  subnetwork: 'clean-room',
  serviceAccount: WORKLOAD.email,
  tees: ['TDX', 'SEV'],
  spot: false,
  dollarsPerHour: { 'c3-standard-4': 0.24 }
};

const planOf = (attempt: string, changes: Partial<AttemptPlan> = {}): AttemptPlan => ({
  attempt,
  image: IMAGE,
  imageReference: `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook@${IMAGE}`,
  tee: 'TDX',
  processors: 2,
  memoryBytes: 8 * 1024 ** 3,
  diskBytes: 20 * 1024 ** 3,
  deadlineSeconds: 3600,
  job: 'https://clean-room.example/v1/jobs/a',
  labels: { run: 'r1' },
  ...changes
});

/** Plays the launcher and its program as their console shows them. */
function powerOffAfter(guest: ScriptedGuest, ...lines: string[]): void {
  for (const line of lines) guest.machine.serial(line);
  guest.powerOff();
}

function open(cloud: FakeCloud, changes: Partial<ConfidentialSpaceSettings> = {}): Promise<TeeBackend> {
  Object.assign(process.env, cloud.environment);
  return openConfidentialSpace(
    { ...SETTINGS, ...changes },
    { ...cloud.computeClientOptions, authClient: new Compute() },
    cloud.loggingUrl
  );
}

async function prepare(): Promise<BackendUnderTest> {
  const guests = new ScriptedGuests();
  const cloud = await FakeCloud.start({ guests });
  const ends = new Set<string>();
  guests.script = guest => {
    if (ends.has(guest.spec.instance.name)) powerOffAfter(guest, 'workload task ended and returned 0');
  };
  const zoneOf = (name: string): string =>
    ZONES.find(zone => cloud.fleet.get(zone, name) !== undefined) ?? '';
  return {
    open: () => open(cloud),
    openForeign: () => open(cloud, { deployment: 'other' }),
    plan: (attempt, program) => {
      if (program === 'ends') ends.add(instanceName(attempt));
      return planOf(attempt);
    },
    shortDeadlineSeconds: 30,
    passSeconds: async seconds => cloud.clock.advance(seconds * 1000),
    attestedMachine: async attempt => {
      const { projectId, zone, name } = guests.of(instanceName(attempt)).spec.instance;
      return { projectId, zone, instanceName: name };
    },
    kill: async attempt => {
      const name = instanceName(attempt);
      await cloud.fleet.failHost(cloud.fleet.get(zoneOf(name), name)!);
    },
    dispose: async () => {
      expect(cloud.fleet.size).toBe(0);
      await cloud.stop();
    }
  };
}

describeTeeBackend('Confidential Space as backend', prepare);

describe('Confidential Space', () => {
  let guests: ScriptedGuests;
  let cloud: FakeCloud;

  beforeAll(async () => {
    guests = new ScriptedGuests();
    cloud = await FakeCloud.start({ guests });
  });
  afterAll(() => cloud.stop());
  beforeEach(() => {
    cloud.faults.clear();
    cloud.fleet.exhausted.clear();
  });

  const statusOf = async (backend: TeeBackend, attempt: string) =>
    (await backend.statuses([attempt])).get(attempt);

  test('shows the serial console and the launcher’s log of one machine, the log also after its deletion', async () => {
    const backend = await open(cloud);
    const [attempt, other] = [newId(), newId()];
    for (const each of [attempt, other]) {
      await backend.start(planOf(each));
      const { machine } = guests.of(instanceName(each));
      machine.serial(`console of ${each}`);
      machine.log({ severity: 'INFO', message: `started ${each}` });
      machine.log({ severity: 'ERROR', message: `failed ${each}` });
    }
    const { serial, log } = await backend.console!(attempt);
    expect(serial).toContain(`console of ${attempt}`);
    expect(serial).not.toContain(other);
    expect(log).toEqual([
      { at: expect.any(String), severity: 'INFO', message: `started ${attempt}` },
      { at: expect.any(String), severity: 'ERROR', message: `failed ${attempt}` }
    ]);
    await backend.stop(attempt);
    await backend.stop(other);
    const later = await backend.console!(attempt);
    expect(later.serial).toBeUndefined();
    expect(later.log).toEqual(log);
    cloud.faults.plan({ call: 'logging.entries.list', fault: { kind: 'status', code: 503 } });
    await expect(backend.console!(attempt)).rejects.toMatchObject({
      code: 'unavailable',
      remedy: expect.stringContaining('roles/logging.viewer')
    });
  });

  test('starts a machine with everything that the launcher needs', async () => {
    const backend = await open(cloud);
    const attempt = newId();
    await backend.start(planOf(attempt));
    const { spec } = guests.of(instanceName(attempt));
    expect(spec).toMatchObject({
      machine: { type: 'c3-standard-4', tee: 'TDX' },
      metadata: {
        'tee-image-reference': `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook@${IMAGE}`,
        'tee-restart-policy': 'Never',
        'tee-env-CLEAN_ROOM_JOB': 'https://clean-room.example/v1/jobs/a',
        'tee-container-log-redirect': 'false'
      },
      serviceAccount: WORKLOAD.email
    });
    await backend.stop(attempt);
    expect(cloud.fleet.size).toBe(0);
  });

  test('tries the next zone when one has no machine, and prefers it afterwards', async () => {
    const backend = await open(cloud);
    cloud.fleet.exhausted.add(ZONES[0]!);
    const [first, second] = [newId(), newId()];
    expect(await backend.start(planOf(first))).toEqual({ state: 'starting' });
    expect((await backend.machineOf(first)).zone).toBe(ZONES[1]);
    const inserts = cloud.faults.count('compute.instances.insert');
    await backend.start(planOf(second));
    expect(cloud.faults.count('compute.instances.insert')).toBe(inserts + 1);
    await backend.stop(first);
    await backend.stop(second);
  });

  test('finds a machine in a zone that is no longer configured', async () => {
    const backend = await open(cloud);
    const attempt = newId();
    await backend.start(planOf(attempt));
    const later = await open(cloud, { zones: ZONES.slice(1) });
    expect(await statusOf(later, attempt)).toEqual({ state: 'running' });
    expect(await later.list()).toEqual([attempt]);
    await later.stop(attempt);
    expect(cloud.fleet.size).toBe(0);
  });

  test('reads lists of several pages', async () => {
    const backend = await open(cloud);
    const attempts = Array.from({ length: 3 }, () => newId());
    for (const attempt of attempts) await backend.start(planOf(attempt));
    cloud.fleet.largestPage = 2;
    try {
      const statuses = await backend.statuses(attempts);
      expect([...statuses.values()]).toEqual(attempts.map(() => ({ state: 'running' })));
      expect([...(await backend.list())].sort()).toEqual([...attempts].sort());
    } finally {
      cloud.fleet.largestPage = 500;
      for (const attempt of attempts) await backend.stop(attempt);
    }
  });

  test.each<['stockout' | 'quota', string]>([
    ['stockout', 'out-of-capacity'],
    ['quota', 'quota']
  ])('says that no zone has a machine: %s', async (kind, reason) => {
    const backend = await open(cloud);
    cloud.faults.plan({ call: 'compute.instances.insert', fault: { kind }, times: 3 });
    const status = await backend.start(planOf(newId()));
    expect(status).toEqual({ state: 'ended', reason, detail: `Zones tried: ${ZONES.join(', ')}.` });
    expect(cloud.fleet.size).toBe(0);
  });

  test.each(['lost-response', 'reset', 'duplicate'] as const)(
    'creates one machine although the network fails: %s',
    async kind => {
      const backend = await open(cloud);
      const attempt = newId();
      cloud.faults.plan({ call: 'compute.instances.insert', fault: { kind } });
      expect(await backend.start(planOf(attempt))).toEqual({ state: 'starting' });
      expect(cloud.fleet.size).toBe(1);
      cloud.faults.plan({ call: 'compute.instances.delete', fault: { kind } });
      await backend.stop(attempt);
      expect(cloud.fleet.size).toBe(0);
    },
    30_000
  );

  test('repeats a call when the service is busy, and never hides that a machine may still exist', async () => {
    const backend = await open(cloud);
    const attempt = newId();
    cloud.faults.plan({ call: 'compute.instances.insert', fault: { kind: 'status', code: 503 }, times: 2 });
    await backend.start(planOf(attempt));
    cloud.faults.plan({ call: 'compute.instances.delete', fault: { kind: 'status', code: 500 }, times: 100 });
    await expect(backend.stop(attempt)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await backend.list()).toEqual([attempt]);
    cloud.faults.clear();
    await backend.stop(attempt);
    expect(await backend.list()).toEqual([]);
  }, 60_000);

  test('tells a preemption from other ends', async () => {
    const backend = await open(cloud, { spot: true });
    const attempt = newId();
    await backend.start(planOf(attempt));
    const name = instanceName(attempt);
    await cloud.fleet.preempt(cloud.fleet.get(ZONES[0]!, name)!);
    expect(await statusOf(backend, attempt)).toEqual({ state: 'ended', reason: 'preempted' });
  });

  test.each<[string, readonly string[], object]>([
    ['finished', ['workload task ended and returned non-zero'], {}],
    [
      'launcher-failed',
      ['TEE container launcher exiting exit_code=1 exit_msg="env var EVIL is not allowed"'],
      { detail: 'The launcher reported: env var EVIL is not allowed' }
    ],
    ['boot-failed', ['kernel panic'], {}]
  ])('reads from the console why a guest ended: %s', async (reason, lines, more) => {
    const backend = await open(cloud);
    const attempt = newId();
    await backend.start(planOf(attempt));
    powerOffAfter(guests.of(instanceName(attempt)), ...lines);
    const ended = await eventually(async () => {
      const status = await statusOf(backend, attempt);
      return status?.state === 'ended' ? status : undefined;
    });
    expect(ended).toEqual({ state: 'ended', reason, ...more });
    await backend.stop(attempt);
  });

  test('answers for a machine that is deleted while it is asked for', async () => {
    const backend = await open(cloud);
    const attempt = newId();
    await backend.start(planOf(attempt));
    powerOffAfter(guests.of(instanceName(attempt)));
    await eventually(async () => ((await statusOf(backend, attempt))?.state === 'ended' ? true : undefined));
    const call = 'compute.instances.getSerialPortOutput';
    const calls = cloud.faults.count(call);
    cloud.faults.plan({ call, fault: { kind: 'latency', milliseconds: 60_000 } });
    const status = statusOf(backend, attempt);
    await eventually(() => (cloud.faults.count(call) > calls ? true : undefined));
    await backend.stop(attempt);
    await cloud.clock.advance(60_000);
    expect(await status).toEqual({ state: 'unknown' });
  });

  test('tells the status of all machines although one console is refused', async () => {
    const backend = await open(cloud);
    const [ended, running] = [newId(), newId()];
    for (const each of [ended, running]) await backend.start(planOf(each));
    const before = await statusOf(backend, running);
    cloud.faults.plan({
      call: 'compute.instances.getSerialPortOutput',
      fault: { kind: 'status', code: 400 },
      times: 1000
    });
    guests.of(instanceName(ended)).powerOff();
    const statuses = await eventually(async () => {
      const found = await backend.statuses([ended, running]);
      return found.get(ended)?.state === 'ended' ? found : undefined;
    });
    expect(statuses.get(ended)).toEqual({
      state: 'ended',
      reason: 'lost',
      detail: 'Google Compute Engine did not say why it ended.'
    });
    expect(statuses.get(running)).toEqual(before);
    await backend.stop(ended);
    await backend.stop(running);
  });

  test('refuses a plan whose image has no reference by its digest, and a machine that does not exist', async () => {
    const backend = await open(cloud);
    const tagged = `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook:latest`;
    for (const changes of [{ imageReference: tagged }, { processors: 1000 }]) {
      await expect(backend.start(planOf(newId(), changes))).rejects.toMatchObject({
        code: 'backend-unavailable'
      });
    }
    expect(cloud.fleet.size).toBe(0);
  });
});

import { describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import {
  instanceOf,
  type InstanceResource
} from '../../../src/coordinator/backends/confidential-space/instance.js';
import { attemptOf, instanceName } from '../../../src/coordinator/backends/confidential-space/names.js';
import type { ConfidentialSpaceSettings } from '../../../src/coordinator/backends/confidential-space/settings.js';
import { chooseShape } from '../../../src/coordinator/backends/choose-shape.js';
import { shapesOf } from '../../../src/coordinator/backends/confidential-space/shapes.js';
import {
  consoleEnd,
  eventEnd,
  insertEnd,
  stateOf
} from '../../../src/coordinator/backends/confidential-space/status.js';
import { orderZones } from '../../../src/coordinator/backends/confidential-space/zones.js';
import type { AttemptPlan } from '../../../src/coordinator/start.js';
import { newId } from '../../../src/platform/ids.js';
import { PROJECT, WORKLOAD } from '../../cloud/cloud.js';
import { insertBody, ZONE } from '../../cloud/compute/insert-body.js';

const GIB = 1024 ** 3;
const IMAGE = digestOf(utf8('an image'));
const REFERENCE = `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook@${IMAGE}`;
const ATTEMPT = newId(0);

const SETTINGS: ConfidentialSpaceSettings = {
  kind: 'confidential-space',
  project: PROJECT.id,
  deployment: 'main',
  zones: [ZONE],
  subnetwork: 'clean-room',
  serviceAccount: WORKLOAD.email,
  tees: ['TDX', 'SEV'],
  spot: false,
  dollarsPerHour: { 'n2d-standard-4': 0.2 }
};

const PLAN: AttemptPlan = {
  attempt: ATTEMPT,
  image: IMAGE,
  imageReference: REFERENCE,
  tee: 'TDX',
  processors: 4,
  memoryBytes: 8 * GIB,
  diskBytes: 20 * GIB,
  deadlineSeconds: 14_400,
  job: 'https://clean-room.example/v1/jobs/a',
  labels: { run: 'r1' }
};

const SHAPES = shapesOf(['TDX', 'SEV'], SETTINGS.dollarsPerHour);

function instance(
  plan: Partial<AttemptPlan> = {},
  settings: Partial<ConfidentialSpaceSettings> = {}
): InstanceResource {
  const all = { ...PLAN, ...plan };
  return instanceOf(all, { ...SETTINGS, ...settings }, ZONE, chooseShape(SHAPES, all));
}

const metadata = (of: InstanceResource): Record<string, string> =>
  Object.fromEntries((of.metadata?.items ?? []).map(({ key, value }) => [key ?? '', value ?? '']));

describe('the body of an insert', () => {
  test('has exactly these fields, so that no default decides about a run', () => {
    expect(instance()).toEqual(
      insertBody(`cr-${ATTEMPT}`, {
        metadata: {
          items: [
            { key: 'tee-image-reference', value: REFERENCE },
            { key: 'tee-restart-policy', value: 'Never' },
            { key: 'tee-env-CLEAN_ROOM_JOB', value: PLAN.job },
            { key: 'tee-container-log-redirect', value: 'false' }
          ]
        },
        labels: { run: 'r1', 'clean-room-deployment': 'main', 'clean-room-attempt': ATTEMPT }
      })
    );
  });

  test('names the machine by the attempt, as Compute Engine allows: an id that begins with a digit does not', () => {
    expect(ATTEMPT).toMatch(/^\d/);
    expect(instanceName(ATTEMPT)).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
  });

  test('starts only production images, because a debug image gives the operator a shell', () => {
    expect(JSON.stringify(instance())).not.toContain('debug');
  });

  test('never lets a machine run a notebook twice: it neither migrates nor restarts', () => {
    for (const plan of [{ tee: 'SEV' }, { tee: 'TDX' }] as const) {
      expect(instance(plan).scheduling).toMatchObject({
        onHostMaintenance: 'TERMINATE',
        automaticRestart: false
      });
      expect(metadata(instance(plan))['tee-restart-policy']).toBe('Never');
    }
  });

  test.each([
    [1, '30'],
    [3600.5, '3601'],
    [1e9, String(120 * 24 * 3600)]
  ])(
    'deletes the machine without a coordinator after %d s, within the limits of the API',
    (seconds, text) => {
      expect(instance({ deadlineSeconds: seconds }).scheduling).toMatchObject({
        maxRunDuration: { seconds: text },
        instanceTerminationAction: 'DELETE'
      });
    }
  );

  test('uses Spot machines only when the operator chose them, because they are taken back at any time', () => {
    expect(instance({}, { spot: true }).scheduling?.provisioningModel).toBe('SPOT');
    expect(instance().scheduling?.provisioningModel).toBe('STANDARD');
  });

  test('gives the machine no external address, so that only the subnetwork reaches it', () => {
    expect(instance().networkInterfaces).toHaveLength(1);
    expect(instance().networkInterfaces?.[0]).not.toHaveProperty('accessConfigs');
  });

  test('has a disk that holds the image, and no larger one than asked for, because its size costs memory', () => {
    const size = (diskBytes: number) => instance({ diskBytes }).disks?.[0]?.initializeParams?.diskSizeGb;
    expect(size(1)).toBe('12');
    expect(size(20.5 * GIB)).toBe('21');
    expect(instance().disks?.[0]).toMatchObject({ boot: true, autoDelete: true });
  });

  test.each([
    undefined,
    `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook:latest`,
    `europe-west4-docker.pkg.dev/${PROJECT.id}/runs/notebook@${digestOf(utf8('another image'))}`
  ])('pulls only the approved digest, because a tag can change: not %s', imageReference => {
    const plan: AttemptPlan = { ...PLAN };
    Object.assign(plan, { imageReference });
    expect(() => instanceOf(plan, SETTINGS, ZONE, chooseShape(SHAPES, plan))).toThrow(
      expect.objectContaining({ code: 'backend-unavailable' })
    );
  });

  test('passes one variable, and nothing that the launcher logs must be secret', () => {
    const variables = Object.keys(metadata(instance())).filter(key => key.startsWith('tee-env-'));
    expect(variables).toEqual(['tee-env-CLEAN_ROOM_JOB']);
    expect(metadata(instance())['tee-container-log-redirect']).toBe('false');
  });

  test('keeps its own labels although a plan has labels of the same names', () => {
    const labels = { 'clean-room-attempt': 'x', 'clean-room-deployment': 'y' };
    expect(instance({ labels }).labels).toEqual({
      'clean-room-deployment': 'main',
      'clean-room-attempt': ATTEMPT
    });
  });
});

describe('the size of a machine', () => {
  test.each<['TDX' | 'SEV', number, number, string]>([
    ['TDX', 1, 1, 'c3-standard-4'],
    ['TDX', 4, 15, 'c3-standard-8'],
    ['TDX', 9, 8, 'c3-standard-22'],
    ['SEV', 1, 1, 'n2d-standard-2'],
    ['SEV', 2, 8, 'n2d-standard-4']
  ])('for %s with %d processors and %d GiB is %s', (tee, processors, gib, name) => {
    expect(chooseShape(SHAPES, { tee, processors, memoryBytes: gib * GIB }).name).toBe(name);
  });

  test('has a price when the operator knows it', () => {
    const prices = SHAPES.filter(({ dollarsPerHour }) => dollarsPerHour !== undefined);
    expect(prices).toEqual([
      { tee: 'SEV', name: 'n2d-standard-4', processors: 4, memoryBytes: 14 * GIB, dollarsPerHour: 0.2 }
    ]);
  });

  test('that does not exist is refused with what to do', () => {
    expect(() => chooseShape(SHAPES, { tee: 'TDX', processors: 200, memoryBytes: GIB })).toThrow(
      expect.objectContaining({ remedy: 'Submit again with at most 176 processors and 702 GiB of memory.' })
    );
  });
});

test('zones without machines are tried last, until some minutes have passed', () => {
  const zones = ['a', 'b', 'c'];
  const now = 10_000_000;
  expect(orderZones(zones, new Map(), now)).toEqual(['a', 'b', 'c']);
  const stockouts = new Map([
    ['a', now - 1000],
    ['b', now - 2000]
  ]);
  expect(orderZones(zones, stockouts, now)).toEqual(['c', 'b', 'a']);
  expect(orderZones(zones, stockouts, now + 5 * 60_000)).toEqual(['a', 'b', 'c']);
});

describe('why a machine ended', () => {
  test.each([
    [undefined, undefined],
    [[], undefined],
    [[{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED' }], 'out-of-capacity'],
    [[{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS' }], 'out-of-capacity'],
    [[{ code: 'QUOTA_EXCEEDED' }], 'quota'],
    [[{ code: 'RESOURCE_NOT_READY' }, { code: 'QUOTA_EXCEEDED' }], 'quota'],
    [[{ code: 'INTERNAL_ERROR' }], 'boot-failed']
  ])('insert errors %j mean %s', (errors, reason) => expect(insertEnd(errors)).toBe(reason));

  test.each([
    [['insert'], undefined],
    [['insert', 'compute.instances.preempted'], 'preempted'],
    [['insert', 'compute.instances.hostError'], 'lost'],
    [['insert', 'stop'], 'stopped']
  ])('operations %j mean %s', (types, reason) => expect(eventEnd(types)).toBe(reason));

  test('a message of the console is cleaned and cut, because anybody may write there', () => {
    const text = `TEE container launcher exiting exit_code=1 exit_msg="a\u001b[2J${'x'.repeat(1000)}"`;
    const { reason, detail } = consoleEnd(text);
    expect(reason).toBe('launcher-failed');
    expect(detail).toMatch(/^The launcher reported: a \[2Jx+$/);
    expect(detail?.length).toBeLessThan(350);
  });

  test.each([
    ['PROVISIONING', 'starting'],
    ['STAGING', 'starting'],
    ['REPAIRING', 'starting'],
    ['RUNNING', 'running'],
    ['STOPPING', 'ended'],
    ['TERMINATED', 'ended'],
    [undefined, 'starting']
  ])('the status %s is %s', (status, state) => expect(stateOf(status)).toBe(state));

  test('only attempts of this program are read from labels', () => {
    expect(attemptOf({ 'clean-room-attempt': ATTEMPT })).toBe(ATTEMPT);
    for (const labels of [null, undefined, {}, { 'clean-room-attempt': '../x' }]) {
      expect(attemptOf(labels)).toBeUndefined();
    }
  });
});

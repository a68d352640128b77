import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { FakeCloud, PROJECT, WORKLOAD } from '../cloud.js';
import { insertBody, ZONE, type InstanceResource } from './insert-body.js';
import { ComputeRest } from './rest.js';

const STRANGER = `stranger@${PROJECT.id}.iam.gserviceaccount.com`;
const READER = `reader@${PROJECT.id}.iam.gserviceaccount.com`;

let cloud: FakeCloud;
let rest: ComputeRest;

beforeAll(async () => {
  cloud = await FakeCloud.start({
    accounts: [
      { email: STRANGER, roles: ['roles/compute.instanceAdmin.v1'] },
      {
        email: READER,
        roles: ['roles/compute.instanceAdmin.v1', 'roles/iam.serviceAccountUser'],
        scopes: ['https://www.googleapis.com/auth/compute.readonly']
      }
    ]
  });
  rest = new ComputeRest(cloud);
});

afterAll(() => cloud.stop());

function scheduling(changes: object): InstanceResource {
  return { scheduling: { ...insertBody('a').scheduling, ...changes } };
}

function disk(changes: object): InstanceResource {
  const [first] = insertBody('a').disks ?? [];
  return { disks: [{ ...first, initializeParams: { ...first?.initializeParams, ...changes } }] };
}

describe('an insert is refused', () => {
  const bodies: readonly (readonly [string, object, number, string])[] = [
    ['an unknown field', { confidentialComputing: true }, 400, 'badRequest'],
    ['an unknown field inside', scheduling({ maxRunTime: '60s' }), 400, 'badRequest'],
    ['a wrong type', { labels: ['a'] }, 400, 'badRequest'],
    ['an unknown name of an enumeration', scheduling({ onHostMaintenance: 'STOP' }), 400, 'invalid'],
    ['a name that starts with a digit', { name: '01j-run' }, 400, 'invalid'],
    ['a name in upper case', { name: 'Run' }, 400, 'invalid'],
    ['a name of 64 characters', { name: 'a'.repeat(64) }, 400, 'invalid'],
    ['a label value in upper case', { labels: { run: '01JX' } }, 400, 'invalid'],
    ['a label key with a dot', { labels: { 'a.b': 'c' } }, 400, 'invalid'],
    ['a label value of 64 characters', { labels: { a: 'b'.repeat(64) } }, 400, 'invalid'],
    [
      'a metadata key twice',
      { metadata: { items: [1, 2].map(n => ({ key: 'a', value: `${n}` })) } },
      400,
      'invalid'
    ],
    [
      'a metadata value above 256 KB',
      { metadata: { items: [{ key: 'a', value: 'b'.repeat(262145) }] } },
      400,
      'invalid'
    ],
    ['an unknown machine type', { machineType: `zones/${ZONE}/machineTypes/c3-standard-5` }, 400, 'invalid'],
    [
      'a machine type of another zone',
      { machineType: 'zones/us-central1-a/machineTypes/c3-standard-4' },
      400,
      'invalid'
    ],
    ['TDX on N2D', { machineType: `zones/${ZONE}/machineTypes/n2d-standard-4` }, 400, 'invalid'],
    [
      'SEV on C3',
      { confidentialInstanceConfig: { enableConfidentialCompute: true, confidentialInstanceType: 'SEV' } },
      400,
      'invalid'
    ],
    ['live migration of TDX', scheduling({ onHostMaintenance: 'MIGRATE' }), 400, 'invalid'],
    [
      'a Spot machine that restarts',
      scheduling({ provisioningModel: 'SPOT', automaticRestart: true }),
      400,
      'invalid'
    ],
    [
      'a limit without an action',
      { scheduling: { onHostMaintenance: 'TERMINATE', maxRunDuration: { seconds: '60' } } },
      400,
      'invalid'
    ],
    ['a limit of less than 30 s', scheduling({ maxRunDuration: { seconds: '29' } }), 400, 'invalid'],
    [
      'an unknown image family',
      disk({ sourceImage: 'projects/confidential-space-images/global/images/family/confidential' }),
      400,
      'invalid'
    ],
    ['pd-standard on C3', disk({ diskType: `zones/${ZONE}/diskTypes/pd-standard` }), 400, 'badRequest'],
    ['a disk smaller than its image', disk({ diskSizeGb: '10' }), 400, 'invalid'],
    ['no disk', { disks: [] }, 400, 'invalid'],
    ['no network interface', { networkInterfaces: [] }, 400, 'invalid'],
    [
      'an unknown subnetwork',
      {
        networkInterfaces: [{ subnetwork: `projects/${PROJECT.id}/regions/europe-west4/subnetworks/other` }]
      },
      400,
      'invalid'
    ],
    [
      'a subnetwork of another region',
      {
        networkInterfaces: [
          { subnetwork: `projects/${PROJECT.id}/regions/us-central1/subnetworks/clean-room` }
        ]
      },
      400,
      'invalid'
    ],
    ['an unknown service account', { serviceAccounts: [{ email: 'absent@example.com' }] }, 404, 'notFound']
  ];

  test.each(bodies)('for %s', async (_, changes, code, reason) => {
    const { status, body } = await rest.insert(insertBody('run-1', changes));
    expect({ status, error: body.error }).toMatchObject({
      status: code,
      error: { code, errors: [{ reason, domain: 'global' }] }
    });
    expect(cloud.fleet.size).toBe(0);
  });

  test('for an unknown zone, project or query parameter', async () => {
    const unknownZone = await rest.send('POST', 'zones/europe-west4-z/instances', insertBody('run-1'));
    expect(unknownZone).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('Unknown zone') } }
    });
    const parameter = await rest.send('POST', `zones/${ZONE}/instances?wait=true`, insertBody('run-1'));
    expect(parameter).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('"wait"') } }
    });
    const broken = await rest.insert('{');
    expect(broken).toMatchObject({ status: 400, body: { error: { errors: [{ reason: 'parseError' }] } } });
  });

  test('without a valid token, scope or permission', async () => {
    const other = new ComputeRest(cloud);
    other.authorization = 'Bearer ya29.c.invented';
    expect(await other.insert(insertBody('run-1'))).toMatchObject({
      status: 401,
      body: { error: { status: 'UNAUTHENTICATED' } }
    });
    expect(await new ComputeRest(cloud, READER).insert(insertBody('run-1'))).toMatchObject({
      status: 403,
      body: { error: { errors: [{ reason: 'insufficientPermissions' }] } }
    });
    expect(await new ComputeRest(cloud, WORKLOAD.email).insert(insertBody('run-1'))).toMatchObject({
      status: 403,
      body: { error: { message: expect.stringContaining('compute.instances.create') } }
    });
    // It may create machines, but not as the workload's service account.
    expect(await new ComputeRest(cloud, STRANGER).insert(insertBody('run-1'))).toMatchObject({
      status: 403,
      body: { error: { message: expect.stringContaining('iam.serviceAccountUser') } }
    });
  });

  test('after its token has expired', async () => {
    const other = new ComputeRest(cloud);
    await cloud.clock.advance(3_600_000);
    expect(await other.insert(insertBody('run-1'))).toMatchObject({ status: 401 });
    rest = new ComputeRest(cloud);
  });

  test('for a name that exists, unless it is the same request', async () => {
    const requestId = randomUUID();
    const first = await rest.insert(insertBody('run-2'), requestId);
    const again = await rest.insert(insertBody('run-2'), requestId);
    expect(again.body.name).toBe(first.body.name);
    const other = await rest.insert(insertBody('run-2'), randomUUID());
    expect(other).toMatchObject({ status: 409, body: { error: { errors: [{ reason: 'alreadyExists' }] } } });
    expect(await rest.insert(insertBody('run-3'), 'run-3')).toMatchObject({ status: 400 });
    expect(cloud.fleet.size).toBe(1);
  });
});

describe('a list sends only the fields that were selected', () => {
  const list = (path: string, fields: string) =>
    rest.send('GET', `${path}?fields=${encodeURIComponent(fields)}`);

  test('and refuses a field that a machine does not have', async () => {
    await rest.start(insertBody('selected'));
    const path = `zones/${ZONE}/instances`;
    const { body } = await list(path, 'items(name,status,labels),nextPageToken');
    expect(body['items']).toContainEqual({
      name: 'selected',
      status: 'RUNNING',
      labels: { 'clean-room': 'main' }
    });
    expect(Object.keys(body)).toEqual(['items']);
    expect((await list(path, 'items/name')).body['items']).toContainEqual({ name: 'selected' });
    for (const fields of ['items(name,state)', 'items(name', 'items(name))', 'machines', ''])
      expect((await list(path, fields)).status).toBe(400);
  });

  test('and cannot select inside the list of all zones', async () => {
    expect((await list('aggregated/instances', 'items')).status).toBe(200);
    expect((await list('aggregated/instances', 'items/instances')).status).toBe(400);
  });
});

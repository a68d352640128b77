import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import compute, { type protos } from '@google-cloud/compute';
import { Compute } from 'google-auth-library';
import { randomUUID } from 'node:crypto';
import { FakeCloud, PROJECT, WORKLOAD } from '../cloud.js';
import { ScriptedGuests } from '../guests/scripted.js';
import { insertBody, ZONE, type InstanceResource } from './insert-body.js';

const project = PROJECT.id;

describe("Google's client of the Compute API", () => {
  let cloud: FakeCloud;
  let guests: ScriptedGuests;
  let instances: InstanceType<typeof compute.v1.InstancesClient>;
  let operations: InstanceType<typeof compute.v1.ZoneOperationsClient>;

  beforeEach(async () => {
    guests = new ScriptedGuests();
    cloud = await FakeCloud.start({ guests });
    Object.assign(process.env, cloud.environment);
    const options = { ...cloud.computeClientOptions, authClient: new Compute() };
    instances = new compute.v1.InstancesClient(options);
    operations = new compute.v1.ZoneOperationsClient(options);
  });

  afterEach(() => cloud.stop());

  async function finished(name: string): Promise<protos.google.cloud.compute.v1.IOperation> {
    for (;;) {
      const [operation] = await operations.wait({ project, zone: ZONE, operation: name });
      if (operation.status === 'DONE') return operation;
    }
  }

  async function insert(name: string, changes: InstanceResource = {}, requestId = randomUUID()) {
    const [{ latestResponse }] = await instances.insert({
      project,
      zone: ZONE,
      instanceResource: insertBody(name, changes),
      requestId
    });
    return finished((latestResponse as { name: string }).name);
  }

  test('starts, finds, reads and deletes a machine', async () => {
    const operation = await insert('run-1');
    expect(operation).toMatchObject({ operationType: 'insert', progress: 100 });
    expect(guests.of('run-1').spec).toMatchObject({
      machine: { type: 'c3-standard-4', processors: 4, memoryBytes: 16 * 1024 ** 3, tee: 'TDX' },
      metadata: { 'tee-env-CLEAN_ROOM_JOB': 'https://coordinator.example/v1/jobs/a' },
      labels: { 'clean-room': 'main' },
      bootImage: 'confidential-space-260800',
      serviceAccount: WORKLOAD.email
    });
    const [found] = await instances.get({ project, zone: ZONE, instance: 'run-1' });
    expect(found).toMatchObject({ status: 'RUNNING', name: 'run-1', labels: { 'clean-room': 'main' } });
    guests.of('run-1').machine.serial('booted');
    const [serial] = await instances.getSerialPortOutput({ project, zone: ZONE, instance: 'run-1', port: 1 });
    expect(serial.contents).toBe('booted\r\n');
    const listed: string[] = [];
    for await (const [scope, { instances: members }] of instances.aggregatedListAsync({
      project,
      filter: 'labels.clean-room=main'
    })) {
      listed.push(...(members ?? []).map(({ name }) => `${scope}/${name}`));
    }
    expect(listed).toEqual([`zones/${ZONE}/run-1`]);
    const [{ latestResponse }] = await instances.delete({ project, zone: ZONE, instance: 'run-1' });
    await finished((latestResponse as { name: string }).name);
    await expect(instances.get({ project, zone: ZONE, instance: 'run-1' })).rejects.toMatchObject({
      httpStatusCode: 404
    });
    expect(guests.of('run-1').powerButtons).toBe(1);
    expect(cloud.fleet.size).toBe(0);
  });

  test('learns why an insert did not succeed', async () => {
    cloud.faults.plan({ call: 'compute.instances.insert', fault: { kind: 'stockout' } });
    const operation = await insert('run-1');
    expect(operation.error?.errors?.map(({ code }) => code)).toEqual(['ZONE_RESOURCE_POOL_EXHAUSTED']);
    const wrongName = instances.insert({ project, zone: ZONE, instanceResource: insertBody('01j') });
    await expect(wrongName).rejects.toMatchObject({ httpStatusCode: 400 });
    const unknownZone = instances.list({ project, zone: 'europe-west4-z' });
    await expect(unknownZone).rejects.toMatchObject({ httpStatusCode: 400 });
  });

  test('does not repeat an insert that failed', async () => {
    cloud.faults.plan({ call: 'compute.instances.insert', fault: { kind: 'status', code: 503 } });
    const failed = instances.insert({ project, zone: ZONE, instanceResource: insertBody('run-1') });
    await expect(failed).rejects.toMatchObject({ httpStatusCode: 503 });
    expect(cloud.faults.count('compute.instances.insert')).toBe(1);
  });

  test('reads zones, machine types and the newest image of a family', async () => {
    const options = { ...cloud.computeClientOptions, authClient: new Compute() };
    const [zones] = await new compute.v1.ZonesClient(options).list({
      project,
      filter: 'name=europe-west4-a'
    });
    expect(zones.map(({ name }) => name)).toEqual(['europe-west4-a']);
    const [type] = await new compute.v1.MachineTypesClient(options).get({
      project,
      zone: ZONE,
      machineType: 'n2d-standard-8'
    });
    expect(type).toMatchObject({ guestCpus: 8, memoryMb: 32768 });
    const [image] = await new compute.v1.ImagesClient(options).getFromFamily({
      project: 'confidential-space-images',
      family: 'confidential-space'
    });
    expect(image.name).toBe('confidential-space-260800');
  });
});

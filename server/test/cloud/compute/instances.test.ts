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
});

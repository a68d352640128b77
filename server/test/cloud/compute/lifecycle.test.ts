import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { eventually } from '../../support/wait.js';
import { FakeCloud } from '../cloud.js';
import { ScriptedGuests } from '../guests/scripted.js';
import { insertBody, ZONE } from './insert-body.js';
import { ComputeRest } from './rest.js';

let cloud: FakeCloud;
let guests: ScriptedGuests;
let rest: ComputeRest;

beforeEach(async () => {
  guests = new ScriptedGuests();
  cloud = await FakeCloud.start({ guests });
  rest = new ComputeRest(cloud);
});

afterEach(() => cloud.stop());

const spot = { scheduling: { ...insertBody('a').scheduling, provisioningModel: 'SPOT' } };

describe('a machine', () => {
  test('passes through its states', async () => {
    await cloud.stop();
    cloud = await FakeCloud.start({
      guests,
      latencies: { provisioning: 60_000, staging: 60_000, stopping: 60_000 }
    });
    rest = new ComputeRest(cloud);
    const { body: operation } = await rest.insert(insertBody('run-1'));
    const states = [await rest.status('run-1')];
    for (let minute = 0; minute < 2; minute++) {
      await cloud.clock.advance(60_000);
      states.push(await rest.status('run-1'));
    }
    expect(await rest.wait(operation.name ?? '')).toMatchObject({ body: { status: 'DONE' } });
    guests.of('run-1').powerOff();
    states.push(
      await eventually(async () => ((await rest.status('run-1')) === 'STOPPING' ? 'STOPPING' : undefined))
    );
    await cloud.clock.advance(60_000);
    states.push(await rest.status('run-1'));
    expect(states).toEqual(['PROVISIONING', 'STAGING', 'RUNNING', 'STOPPING', 'TERMINATED']);
  });

  test('ends and is deleted after its maximal run duration', async () => {
    guests.ignorePowerButton = true;
    await rest.start(insertBody('run-1'));
    await cloud.clock.advance(4 * 3600 * 1000 - 1000);
    rest = new ComputeRest(cloud);
    expect(await rest.status('run-1')).toBe('RUNNING');
    await cloud.clock.advance(1000);
    expect(await rest.status('run-1')).toBe('STOPPING');
    // A guest that ignores the power button loses its power after 90 s.
    await cloud.clock.advance(91_000);
    await eventually(() => (cloud.fleet.size === 0 ? true : undefined));
    expect(await rest.status('run-1')).toBeUndefined();
    expect(guests.of('run-1').powerButtons).toBe(1);
  });

  test('of type Spot can be taken back, which an operation tells', async () => {
    guests.ignorePowerButton = true;
    await rest.start(insertBody('run-1', spot));
    const preempted = cloud.fleet.preempt(cloud.fleet.get(ZONE, 'run-1')!);
    expect(await rest.status('run-1')).toBe('STOPPING');
    await cloud.clock.advance(31_000);
    await preempted;
    expect(await rest.status('run-1')).toBeUndefined();
    const filter = encodeURIComponent('operationType="compute.instances.preempted"');
    const { body } = await rest.send('GET', `zones/${ZONE}/operations?filter=${filter}`);
    expect(body['items']).toEqual([
      expect.objectContaining({ user: 'system', targetLink: expect.stringMatching(/run-1$/) })
    ]);
  });

  test('whose host fails is TERMINATED', async () => {
    await rest.start(insertBody('run-1'));
    await cloud.fleet.failHost(cloud.fleet.get(ZONE, 'run-1')!);
    expect(await rest.status('run-1')).toBe('TERMINATED');
    expect(guests.of('run-1').powerButtons).toBe(0);
  });

  test('can be deleted before it runs, and its name used again', async () => {
    await rest.insert(insertBody('run-1'));
    const { body } = await rest.send('DELETE', `zones/${ZONE}/instances/run-1`);
    await rest.wait(body.name ?? '');
    expect(guests.guests.size).toBe(0);
    expect(await rest.start(insertBody('run-1'))).toMatchObject({ status: 'DONE' });
  });

  test('that is protected is not deleted', async () => {
    await rest.start(insertBody('run-1', { deletionProtection: true }));
    expect(await rest.send('DELETE', `zones/${ZONE}/instances/run-1`)).toMatchObject({ status: 400 });
  });

  test('that was stopped keeps its serial output, of which the last megabyte is readable', async () => {
    await rest.start(insertBody('run-1'));
    const { machine } = guests.of('run-1');
    machine.serial('first');
    for (let line = 0; line < 1100; line++) machine.serial('x'.repeat(1022));
    const { body: operation } = await rest.send('POST', `zones/${ZONE}/instances/run-1/stop`);
    await rest.wait(operation.name ?? '');
    const { body } = await rest.send('GET', `zones/${ZONE}/instances/run-1/serialPort?port=1&start=0`);
    const contents = body['contents'] as string;
    expect(contents).not.toContain('first');
    expect(contents).toHaveLength(1024 * 1024);
    expect(Number(body['next']) - Number(body['start'])).toBe(contents.length);
  });

  test('is on the bill for the time that it ran', async () => {
    await rest.start(insertBody('run-1', spot));
    await cloud.clock.advance(600_000);
    rest = new ComputeRest(cloud);
    const { body } = await rest.send('DELETE', `zones/${ZONE}/instances/run-1`);
    await rest.wait(body.name ?? '');
    const [usage] = cloud.fleet.usage();
    expect(usage).toMatchObject({
      name: 'run-1',
      machineType: 'c3-standard-4',
      zone: ZONE,
      spot: true,
      diskGb: 20
    });
    expect(Math.round(usage!.seconds)).toBe(600);
  });
});

describe('without capacity', () => {
  test('the operation of an insert ends with an error, and there is no machine', async () => {
    cloud.fleet.exhausted.add(ZONE);
    const requestId = randomUUID();
    const { body: accepted } = await rest.insert(insertBody('run-1'), requestId);
    const { status, body } = await rest.wait(accepted.name ?? '');
    expect({ status, body }).toMatchObject({
      status: 200,
      body: {
        status: 'DONE',
        error: { errors: [{ code: 'ZONE_RESOURCE_POOL_EXHAUSTED' }] },
        httpErrorStatusCode: 503
      }
    });
    expect(await rest.status('run-1')).toBeUndefined();
    // The same request id still means the insert that failed.
    cloud.fleet.exhausted.clear();
    expect((await rest.insert(insertBody('run-1'), requestId)).body.name).toBe(accepted.name);
    expect(cloud.fleet.size).toBe(0);
  });

  test('a quota counts the processors of a region', async () => {
    cloud.fleet.quotas.set('C3_CPUS', 8);
    for (const name of ['run-1', 'run-2'])
      expect(await rest.start(insertBody(name))).not.toHaveProperty('error');
    expect(await rest.start(insertBody('run-3'))).toMatchObject({
      error: { errors: [{ code: 'QUOTA_EXCEEDED', message: expect.stringContaining("'C3_CPUS'") }] }
    });
    expect(cloud.fleet.size).toBe(2);
  });
});

describe('a planned fault', () => {
  const call = 'compute.instances.insert';

  test.each([429, 500, 503] as const)('%d has no effect', async code => {
    cloud.faults.plan({ call, fault: { kind: 'status', code, retryAfterSeconds: 1 } });
    expect(await rest.insert(insertBody('run-1'))).toMatchObject({ status: code, body: { error: { code } } });
    expect(cloud.fleet.size).toBe(0);
    expect(await rest.insert(insertBody('run-1'))).toMatchObject({ status: 200 });
  });

  test.each(['lost-response', 'reset'] as const)(
    '%s has its effect, of which the client learns nothing',
    async kind => {
      cloud.faults.plan({ call, fault: { kind } });
      const requestId = randomUUID();
      await expect(rest.insert(insertBody('run-1'), requestId)).rejects.toThrow();
      expect(cloud.fleet.size).toBe(1);
      expect(await rest.insert(insertBody('run-1'), requestId)).toMatchObject({ status: 200 });
      expect(await rest.insert(insertBody('run-1'))).toMatchObject({ status: 409 });
      expect(cloud.fleet.size).toBe(1);
    }
  );

  test('timeout has no answer and no effect', async () => {
    cloud.faults.plan({ call, fault: { kind: 'timeout' } });
    const url = `${cloud.computeUrl}/compute/v1/projects/clean-room-test/zones/${ZONE}/instances`;
    const signal = AbortSignal.timeout(200);
    await expect(fetch(url, { method: 'POST', body: '{}', signal })).rejects.toThrow(/abort|timeout/i);
    expect(cloud.fleet.size).toBe(0);
  });

  test('duplicate delivers the request twice', async () => {
    cloud.faults.plan({ call, fault: { kind: 'duplicate' }, times: 2 });
    expect(await rest.insert(insertBody('run-1'))).toMatchObject({ status: 409 });
    expect(await rest.insert(insertBody('run-2'), randomUUID())).toMatchObject({ status: 200 });
    expect(cloud.fleet.size).toBe(2);
  });

  test.each(['stockout', 'quota'] as const)('%s concerns the calls that the rule counts', async kind => {
    cloud.faults.plan({ call, fault: { kind }, skip: 1, times: 1 });
    const ends = [];
    for (const name of ['run-1', 'run-2', 'run-3'])
      ends.push('error' in (await rest.start(insertBody(name))));
    expect(ends).toEqual([false, true, false]);
  });
});

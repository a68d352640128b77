import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestOf, fromBase64, utf8 } from '@clean-room/protocol/bytes';
import type { Compute } from '@clean-room/protocol/submissions';
import { routes } from '@clean-room/api/coordinator';
import { DATABASES, type DatabaseFactory } from '../support/databases.js';
import { TestDeployment } from '../support/deployment.js';
import { eventually } from '../support/wait.js';

const GIB = 1024 ** 3;
const SMALL = {
  tee: 'SIMULATED',
  name: 'small',
  processors: 2,
  memoryBytes: 2 * GIB,
  dollarsPerHour: 360
} as const;
const LARGE = { tee: 'SIMULATED', name: 'large', processors: 4, memoryBytes: 16 * GIB } as const;

/** A backend with two machine sizes. The operator knows the price of the small one. */
describe.each(DATABASES)('machines for runs, on %s', (_kind, prepare) => {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;

  beforeAll(async () => {
    databases = await prepare();
    deployment = await TestDeployment.prepare({ database: await databases.create() });
    deployment.backend.capabilities = { tees: ['SIMULATED'], shapes: [SMALL, LARGE] };
    await deployment.restart();
    await deployment.publishDocuments();
  }, 180_000);
  afterAll(async () => {
    await deployment.stop();
    await databases.dispose();
  }, 60_000);

  const researcher = () => deployment.person(deployment.parties.university);

  /** Submits a notebook on the hospital's data that asks for this compute. The policy allows 2 GiB. */
  async function submit(changes: Partial<Compute>): Promise<string> {
    const notebook = utf8(`print(${Math.random()})`);
    await researcher().upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const compute: Compute = { processors: 1, memoryBytes: GIB, accelerator: 'none', ...changes };
    const spec = deployment.specOf(deployment.assets.slice(0, 1), notebook, { compute });
    const body = await deployment.sign(spec, notebook);
    return (await researcher().call(routes.createSubmission, { body })).id;
  }

  test('are listed with their prices, for datasets that the party can see', async () => {
    for (const query of [{}, { assets: 'hospital/visits,insurer/claims' }]) {
      const { items } = await researcher().call(routes.listMachines, { query });
      expect(items).toEqual([SMALL, LARGE]);
    }
    const stranger = deployment.person(deployment.parties.stranger);
    for (const [client, assets] of [
      [stranger, 'hospital/visits'],
      [researcher(), 'hospital/none']
    ] as const) {
      await expect(client.call(routes.listMachines, { query: { assets } })).rejects.toMatchObject({
        code: 'not-found'
      });
    }
  });

  test('must have the processors that a submission asks for', async () => {
    await expect(submit({ processors: 8 })).rejects.toMatchObject({
      code: 'backend-unavailable',
      message: 'No SIMULATED machine has 8 processors and 1 GiB of memory.',
      remedy: 'Submit again with at most 4 processors and 16 GiB of memory.'
    });
  });

  test('must be within what the policies allow', async () => {
    await expect(submit({ memoryBytes: 4 * GIB })).rejects.toMatchObject({
      code: 'policy-refused',
      message: 'The policy of hospital/visits allows at most 2048 MiB of memory.',
      remedy: 'Submit again with at most 2048 MiB of memory.'
    });
  });

  /** Approves a submission and ends its machines as `ends` says. Returns the run once it has failed. */
  async function failedRun(id: string) {
    const { backend, parties } = deployment;
    const started = backend.starts.length;
    await deployment.approve(parties.hospital, id);
    const plan = await eventually(() => backend.starts[started]);
    await eventually(async () => {
      const { items } = await researcher().call(routes.listRuns, { query: { submission: id } });
      return items[0]?.state === 'starting' ? items[0] : undefined;
    });
    await new Promise(resolve => setTimeout(resolve, 1500));
    backend.ended.set(plan.attempt, { state: 'ended', reason: 'finished' });
    return eventually(async () => {
      const { items } = await researcher().call(routes.listRuns, { query: { submission: id } });
      return items[0]?.state === 'failed' ? items[0] : undefined;
    });
  }

  test('give a run its cost when they end: their seconds times their price', async () => {
    const { cost } = await failedRun(await submit({}));
    expect(cost?.machine).toBe('small');
    expect(cost?.seconds).toBeGreaterThanOrEqual(1);
    expect(cost?.dollars).toBeCloseTo((cost?.seconds ?? 0) / 10);
  }, 60_000);

  test('cost nothing while their outputs are reviewed', async () => {
    const { backend, parties } = deployment;
    const started = backend.starts.length;
    const id = await submit({});
    await deployment.approve(parties.hospital, id);
    const supervisor = deployment.supervisor(await eventually(() => backend.starts[started]));
    const { revisions, runs } = await researcher().call(routes.getSubmission, { params: { id } });
    const reviewers = [parties.hospital.custodian.publicKey];
    await supervisor.deliverResult(fromBase64(revisions[0]!.spec), [], { reviewers });
    const params = { id: runs[0]!.id };
    const { state, cost } = await researcher().call(routes.getRun, { params });
    expect(state).toBe('output-review');
    await new Promise(resolve => setTimeout(resolve, 1500));
    await deployment
      .custodian(parties.hospital)
      .call(routes.withholdOutputs, { params, body: { reason: 'too detailed' } });
    expect(await researcher().call(routes.getRun, { params })).toMatchObject({ state: 'failed', cost });
  }, 60_000);

  test('without a price give a run no cost', async () => {
    const { cost } = await failedRun(await submit({ processors: 4 }));
    expect(cost).toEqual({ machine: 'large', seconds: expect.any(Number) });
  }, 60_000);
});

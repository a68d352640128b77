import { existsSync } from 'node:fs';
import path from 'node:path';
import { Approval, type ApprovalBundle } from '@clean-room/protocol/approvals';
import { fromBase64 } from '@clean-room/protocol/bytes';
import { routes } from '@clean-room/api/coordinator';
import { DemoWorld } from '../custodian/support/demo.js';
import { eventually } from '../support/wait.js';

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start('hospital', 'insurer');
  await world.provision('hospital');
  await world.provision('insurer');
});
afterAll(() => world.stop());

/** Returns the newest revision of a submission, as the submitter sees it. */
async function revisionOf(id: string) {
  const { revisions } = await world.client('university').call(routes.getSubmission, { params: { id } });
  return revisions.at(-1)!;
}

/** Returns the state of each provider's decision. */
async function decisionsOf(id: string): Promise<Record<string, string>> {
  const { decisions } = await revisionOf(id);
  return Object.fromEntries(decisions.map(({ provider, state }) => [provider, state]));
}

async function runsOf(id: string) {
  const { items } = (await world.run('runs', '--json')).json<{
    items: { id: string; submission: string }[];
  }>();
  return items.filter(({ submission }) => submission === id);
}

describe('a notebook on the data of two providers', () => {
  it('runs only after both have approved it, each with its own custodian and only for its own data', async () => {
    const { id } = await world.submitJoin();
    await world.approve(id, 'hospital');
    expect(await decisionsOf(id)).toEqual({ hospital: 'approved', insurer: 'pending' });
    expect((await revisionOf(id)).state).toBe('submitted');
    expect(await runsOf(id)).toEqual([]);

    await world.approve(id, 'insurer');
    const { state, decisions } = await revisionOf(id);
    expect(state).toBe('approved');
    await eventually(async () => ((await runsOf(id)).length === 1 ? true : undefined));
    const approvals = decisions.map(
      ({ approval }) => Approval.read(fromBase64((approval as ApprovalBundle).envelope.payload)).value
    );
    expect(
      approvals.map(({ provider, custodian, assets }) => [
        provider,
        custodian,
        assets.map(({ name }) => name)
      ])
    ).toEqual([
      ['hospital', world.custodian('hospital').context.keys.publicKey, ['hospital/visits']],
      ['insurer', world.custodian('insurer').context.keys.publicKey, ['insurer/claims']]
    ]);
  });

  it('does not run when one of them rejects it, whatever the other decided before', async () => {
    const { id } = await world.submitJoin('print("rejected")');
    await world.approve(id, 'hospital');
    await world.run('reject', id, '--party', 'insurer', '--reason', 'Please bin the amounts', '--json');
    expect((await revisionOf(id)).state).toBe('rejected');
    expect(await runsOf(id)).toEqual([]);
    const again = await world.run('approve', id, '--party', 'insurer', '--without-passkey', '--json');
    expect(again.code).toBe(1);
    expect(again.json()).toMatchObject({ provider: 'insurer', state: 'rejected' });
  });

  it('is approved for a party that the command names, because no provider is the only one', async () => {
    const { id } = await world.submitJoin('print("whose")');
    const output = await world.run('approve', id, '--without-passkey', '--json');
    expect(output.code).toBe(4);
    expect(output.json()).toMatchObject({
      code: 'forbidden',
      message: expect.stringContaining('hospital and insurer'),
      remedy: expect.stringContaining('--party')
    });
  });

  it('is not approved for one provider by the custodian of the other', async () => {
    const { id } = await world.submitJoin('print("other custodian")');
    const output = await world.run(
      ...['approve', id, '--party', 'insurer', '--without-passkey', '--json'],
      ...['--custodian', world.layout.custodian('hospital')]
    );
    expect(output.code).not.toBe(0);
    expect(await decisionsOf(id)).toEqual({ hospital: 'pending', insurer: 'pending' });
  });

  it('is refused for a purpose that the policy of only one of them allows, and the message says whose', async () => {
    const file = await world.notebook(
      'teaching.ipynb',
      'open_dataset("hospital/visits")',
      'open_dataset("insurer/claims")'
    );
    const output = await world.run('submit', file, '--purpose', 'Teaching', '--json');
    expect(output.json()).toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('insurer/claims')
    });
  });

  it('is programmed on the stand-ins of both', async () => {
    const output = await world.run('stand-ins', '--json');
    expect(output.json()).toMatchObject({ items: [{ name: 'hospital/visits' }, { name: 'insurer/claims' }] });
    const folder = path.join(world.root, '.local/share/clean-room/stand-ins');
    for (const name of ['hospital/visits', 'insurer/claims'])
      expect(existsSync(path.join(folder, name, 'data.parquet'))).toBe(true);
  });
});

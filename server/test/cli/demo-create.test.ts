import { Collaboration } from '@clean-room/protocol/parties';
import { openKeyFolder, readCustodianHome, readSigningKey } from '../../src/custodian/index.js';
import { readEnvelope, writeJson } from '../../src/cli/demo/layout.js';
import { DemoWorld, type ProviderName } from '../custodian/support/demo.js';

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.create();
});
afterAll(() => world.stop());

/** Creates the demo again with these additional options. */
function createAgain(...options: string[]) {
  return world.run(
    ...['demo', 'create', '--folder', world.layout.root, '--simulator-root', world.simulator.root.sha256],
    ...['--json', ...options]
  );
}

/** Returns the configuration, the folder and the key of a provider's custodian. */
async function custodianOf(party: ProviderName) {
  const { config, folder } = await readCustodianHome(world.layout.custodian(party));
  return { ...config, folder, key: (await openKeyFolder(`${folder}/keys`)).publicKey };
}

describe('demo create', () => {
  it('gives each provider keys, a database, an origin and a policy of its own', async () => {
    const [hospital, insurer] = [await custodianOf('hospital'), await custodianOf('insurer')];
    for (const field of ['party', 'rootKey', 'origin', 'folder', 'key'] as const)
      expect(hospital[field]).not.toEqual(insurer[field]);
    for (const { database } of [hospital, insurer]) expect(database).toBe('pglite:database');
    const output = await createAgain();
    expect(output.json()).toMatchObject({
      providers: [
        { party: 'hospital', dataset: 'hospital/visits', policy: world.layout.policy('hospital/visits') },
        { party: 'insurer', dataset: 'insurer/claims', policy: world.layout.policy('insurer/claims') }
      ]
    });
  });

  it.each([
    [
      'a party that is not a provider',
      ['--custodian-origin', 'bank=http://bank.localhost:1'],
      'bank is not a provider'
    ],
    [
      'two custodians with one host name, which would share cookies and passkeys',
      ['--custodian-origin', 'insurer=http://hospital.localhost:9'],
      'the same host name'
    ]
  ])('refuses %s', async (_description, options, message) => {
    const output = await createAgain(...options);
    expect(output.code).toBe(1);
    expect(output.json()).toMatchObject({ code: 'malformed', message: expect.stringContaining(message) });
  });

  it('refuses the folder of an earlier version, and changes nothing in it', async () => {
    const { layout } = world;
    const { value } = Collaboration.peek((await readEnvelope(layout.collaboration))!);
    const members = value.members.slice(0, 2);
    const keys = await Promise.all(members.map(({ party }) => readSigningKey(layout.rootKey(party))));
    const earlier = Collaboration.sign({ ...value, members }, ...keys);
    await writeJson(layout.collaboration, earlier);
    const output = await createAgain();
    expect(output.code).toBe(6);
    expect(output.json()).toMatchObject({
      code: 'conflict',
      remedy: expect.stringContaining('Delete the folder')
    });
    expect(await readEnvelope(layout.collaboration)).toEqual(earlier);
  });
});

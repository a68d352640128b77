import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { BodyOf, Client } from '@clean-room/api';
import { routes, type PrivacyAmount } from '@clean-room/api/custodian';
import { routes as coordinatorRoutes } from '@clean-room/api/coordinator';
import { AssetVersion } from '@clean-room/protocol/assets';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { Policy } from '@clean-room/protocol/policies';
import { generateX25519Identity, identityToRecipient, Encrypter } from 'age-encryption';
import { readJson } from '../../support/json.js';
import { DemoWorld } from '../support/demo.js';
import { createKeyRequest, releaseKeys } from '../support/attempt.js';
import { stewardClient } from '../support/steward.js';

type Publication = BodyOf<typeof routes.publishDataset>;

let world: DemoWorld;
let client: Client;
const id = () => randomBytes(16).toString('hex');
const DELTA = '0.000000001';
const amount = (rho: string, epsilon: string): PrivacyAmount => ({ rho, epsilon, delta: DELTA });
const CAP = amount('0.1', '3');

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  client = await stewardClient(world);
});

afterAll(() => world.stop());

async function seal(bytes: Uint8Array, recipient = world.custodian('hospital').context.keys.recipient) {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(bytes);
}

async function upload(bytes: Uint8Array): Promise<{ digest: ReturnType<typeof digestOf>; bytes: number }> {
  const digest = digestOf(bytes);
  await client.upload(routes.uploadDataset, { params: { digest } }, bytes);
  return { digest, bytes: bytes.length };
}

async function publication(changes: Partial<Publication> = {}): Promise<Publication> {
  const [collaboration] = (await world.client('hospital').call(coordinatorRoutes.listCollaborations, {}))
    .items;
  return {
    id: id(),
    description: 'Visits',
    table: { columns: [{ name: 'age', type: 'integer', nullable: false }] },
    sealed: await upload(await seal(utf8('the data'))),
    standIn: { kind: 'random', rows: 3, ...(await upload(utf8('a stand-in'))) },
    policy: await readJson(world.layout.policy('hospital/visits')),
    collaboration: collaboration!.digest,
    ...changes
  };
}

const publish = (body: Publication, dataset = 'visits') =>
  client.call(routes.publishDataset, { params: { dataset }, body });

describe('publishing a dataset', () => {
  test('signs version and policy, and makes them known to the members of the collaboration', async () => {
    const published = await publish(await publication());
    expect(published).toMatchObject({ name: 'hospital/visits', version: 1, withdrawn: false, ledger: [] });
    const { publicKey } = world.custodian('hospital').context.keys;
    expect(AssetVersion.open(published.asset, publicKey).digest).toBe(published.versionDigest);
    expect(Policy.open(published.policy, publicKey).value.collaboration).toMatch(/^sha256:/);
    const { items } = await world.client('university').call(coordinatorRoutes.listAssets, {});
    expect(items.map(({ versionDigest }) => versionDigest)).toEqual([published.versionDigest]);
  });

  test('needs no other party for another dataset', async () => {
    const published = await publish(await publication(), 'another');
    const { items } = await world.client('university').call(coordinatorRoutes.listAssets, {});
    expect(items.map(({ name }) => name)).toContain(published.name);
  });

  test('happens once, however often the request is repeated', async () => {
    const body = await publication();
    const [first, second] = [await publish(body, 'repeated'), await publish(body, 'repeated')];
    expect(second).toEqual(first);
    expect((await publish(await publication(), 'repeated')).version).toBe(2);
  });

  test.each<[string, () => Promise<Partial<Publication>>, string]>([
    [
      'data that is sealed to somebody else',
      async () => {
        const recipient = await identityToRecipient(await generateX25519Identity());
        return { sealed: await upload(await seal(utf8('x'), recipient)) };
      },
      'forbidden'
    ],
    ['data that is not sealed', async () => ({ sealed: await upload(utf8('name,age\n')) }), 'malformed'],
    [
      'data that was not uploaded',
      async () => ({ sealed: { digest: digestOf(utf8('other')), bytes: 5 } }),
      'not-found'
    ],
    ['an unknown collaboration', async () => ({ collaboration: digestOf(utf8('other')) }), 'not-found'],
    [
      'a synthetic stand-in without privacy in the ledger',
      async () => ({ standIn: { ...(await publication()).standIn, kind: 'synthetic' } }),
      'malformed'
    ]
  ])('refuses %s, and publishes nothing', async (_what, changes, code) => {
    await expect(publish(await publication(await changes()), 'refused')).rejects.toMatchObject({ code });
    const { items } = await client.call(routes.listDatasets, {});
    expect(items.map(({ name }) => name)).not.toContain('hospital/refused');
  });

  test('refuses bytes with another digest', async () => {
    const digest = digestOf(utf8('this'));
    await expect(
      client.upload(routes.uploadDataset, { params: { digest } }, utf8('that'))
    ).rejects.toMatchObject({ code: 'digest-mismatch' });
  });
});

describe('the privacy ledger', () => {
  const reserve = (rho: string, changes: object = {}) =>
    client.call(routes.reservePrivacy, {
      body: { id: id(), dataset: 'ledger', unit: 'row', amount: amount(rho, '1'), cap: CAP, ...changes }
    });
  const settle = (which: 'spendPrivacy' | 'returnPrivacy', entry: { id: string }) =>
    client.call(routes[which], { params: { id: entry.id } });

  test('counts reservations until they are returned, and never more than the cap', async () => {
    const first = await reserve('0.06');
    expect(first.state).toBe('reserved');
    await expect(reserve('0.05')).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('ρ = 0.06 of ρ = 0.1')
    });
    expect((await settle('returnPrivacy', first)).state).toBe('returned');
    const [second, third] = [await reserve('0.05'), await reserve('0.05')];
    await expect(reserve('0.0000000000000000000000000000000000000001')).rejects.toMatchObject({
      code: 'policy-refused'
    });
    expect((await settle('spendPrivacy', second)).state).toBe('spent');
    await expect(settle('returnPrivacy', second)).rejects.toMatchObject({ code: 'conflict' });
    await settle('returnPrivacy', third);
    await expect(settle('spendPrivacy', third)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('refuses a negative amount, which would give back what was spent', async () => {
    await expect(reserve('-0.05')).rejects.toMatchObject({ code: 'malformed' });
    await expect(reserve('0.05', { cap: amount('-1', '3') })).rejects.toMatchObject({ code: 'malformed' });
  });

  test('answers a repeated reservation with the first one, and refuses another with its id', async () => {
    const changes = { id: id(), dataset: 'repeated-reservation' };
    expect(await reserve('0.06', changes)).toEqual(await reserve('0.06', changes));
    await expect(reserve('0.07', changes)).rejects.toMatchObject({ code: 'conflict' });
  });

  test('lets only one of two reservations at the same time have the rest', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => reserve('0.06', { dataset: 'at-once' }))
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('does not add up rows and persons', async () => {
    await reserve('0.01', { dataset: 'units' });
    await expect(reserve('0.01', { dataset: 'units', unit: 'person:patient' })).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('protect rows')
    });
  });

  test('accepts a synthetic stand-in only with the privacy that was spent for it', async () => {
    const { standIn } = await publication();
    const entry = await reserve('0.06', { dataset: 'synthetic' });
    const privacy = {
      epsilon: '1',
      delta: DELTA,
      unit: 'row' as const,
      mechanism: 'tree/v1',
      modelled: ['age'],
      expectedError: { oneWay: '0.01', twoWay: '0.05' }
    };
    const body = async (changes: object = {}): Promise<Publication> =>
      publication({
        standIn: { ...standIn, kind: 'synthetic', privacy: { ...privacy, ...changes } },
        reservation: entry.id
      });
    // Data has not been read for it, so it cannot have a stand-in.
    await expect(publish(await body(), 'synthetic')).rejects.toMatchObject({ code: 'policy-refused' });
    await settle('spendPrivacy', entry);
    await expect(publish(await body({ epsilon: '0.1' }), 'synthetic')).rejects.toMatchObject({
      code: 'policy-refused'
    });
    const published = await publish(await body(), 'synthetic');
    expect(published.ledger).toEqual([expect.objectContaining({ id: entry.id, state: 'spent' })]);
    await expect(publish(await body(), 'synthetic')).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('another stand-in')
    });
    const small = { ...(await body()), policy: { ...(await body()).policy, privacy: amount('0.05', '1') } };
    await expect(publish(small, 'synthetic')).rejects.toMatchObject({
      code: 'policy-refused',
      message: expect.stringContaining('the policy allows only ρ = 0.05')
    });
  });
});

describe('withdrawing a dataset', () => {
  test('ends key releases and approvals, and the coordinator no longer offers it', async () => {
    await world.provision();
    const { id: submission } = await world.submit();
    await world.approve(submission, 'hospital');
    const { context } = world.custodian('hospital');
    const sent = await createKeyRequest(world, submission);
    expect((await world.run('datasets', '--party', 'hospital')).out).toMatch(
      /^hospital\/visits v\d+ {2}available until/m
    );
    const withdrawn = await world.run('withdraw', 'hospital/visits');
    expect(withdrawn.out).toContain('hospital/visits is withdrawn.');
    expect((await world.run('datasets', '--party', 'hospital')).out).toMatch(
      /^hospital\/visits v\d+ {2}withdrawn/m
    );
    await expect(releaseKeys(context, sent)).rejects.toMatchObject({
      code: expect.stringMatching(/approval-invalid|policy-refused/)
    });
    const live = await context.db
      .selectFrom('approval')
      .select('digest')
      .where('revoked_at', 'is', null)
      .execute();
    expect(live).toEqual([]);
    const { items } = await world.client('university').call(coordinatorRoutes.listAssets, {});
    expect(items.map(({ name }) => name)).not.toContain('hospital/visits');
    await expect(world.submit('1 + 1')).rejects.toThrow(/hospital\/visits/);
  });

  test('is refused for a dataset that does not exist', async () => {
    await expect(
      client.call(routes.withdrawDataset, { params: { dataset: 'nothing' } })
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('the custodian keeps exactly the bytes that were uploaded', async () => {
  const { digest } = await upload(utf8('exactly these'));
  const { stream } = await world.custodian('hospital').context.objects.get(digest);
  expect((await buffer(Readable.from(stream))).toString()).toBe('exactly these');
});

import { randomBytes } from 'node:crypto';
import { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/custodian';
import { utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey, type SigningKey } from '@clean-room/protocol/documents';
import { authorizeStewardRequest, Roster } from '@clean-room/protocol/parties';
import { fetchFromCustodian } from '../../../src/cli/custodian/fetch.js';
import { readJson } from '../../support/json.js';
import { demoKeys } from '../support/steward.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let key: SigningKey;
let custodian: string;

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start();
  key = (await demoKeys(world)).signing;
  custodian = world.custodian('hospital').context.keys.publicKey;
});

afterAll(() => world.stop());

type Parts = Parameters<typeof authorizeStewardRequest>;

/** Lists the datasets with a request that was signed in another way than the usual one. */
function list(changes: { key?: SigningKey; custodian?: string; parts?: Partial<Parts[2]>; at?: Date } = {}) {
  const client = new Client({
    base: world.origins.hospital,
    fetch: fetchFromCustodian,
    sign: (method, path, body) =>
      authorizeStewardRequest(
        changes.key ?? key,
        changes.custodian ?? custodian,
        { method, path, body: utf8(body ?? ''), ...changes.parts },
        changes.at ?? new Date(),
        randomBytes(16)
      )
  });
  return client.call(routes.listDatasets, {});
}

describe('a steward’s request to a custodian', () => {
  test('is answered if a steward in the roster signed it', async () => {
    await expect(list()).resolves.toEqual({ items: [] });
  });

  test.each<[string, Parameters<typeof list>[0], string]>([
    ['with a key that the roster does not list', { key: generateSigningKey() }, 'unauthenticated'],
    ['for another custodian', { custodian: generateSigningKey().publicKey }, 'unauthenticated'],
    ['with another method', { parts: { method: 'POST' } }, 'unauthenticated'],
    ['for another path', { parts: { path: '/v1/other' } }, 'unauthenticated'],
    ['for another body', { parts: { body: utf8('{}') } }, 'unauthenticated'],
    ['ten minutes ago', { at: new Date(Date.now() - 600_000) }, 'unauthenticated'],
    ['for a time in ten minutes', { at: new Date(Date.now() + 600_000) }, 'unauthenticated']
  ])('is refused if it was signed %s', async (_how, changes, code) => {
    await expect(list(changes)).rejects.toMatchObject({ code });
  });

  test('is refused without a signature', async () => {
    const client = new Client({ base: world.origins.hospital, fetch: fetchFromCustodian });
    await expect(client.call(routes.listDatasets, {})).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('is refused the second time, also after another request', async () => {
    const path = '/v1/datasets';
    const authorization = authorizeStewardRequest(
      key,
      custodian,
      { method: 'GET', path, body: new Uint8Array() },
      new Date(),
      randomBytes(16)
    );
    const send = () =>
      fetchFromCustodian(new URL(path, world.origins.hospital), { headers: { authorization } });
    expect((await send()).status).toBe(200);
    await list();
    const again = await send();
    expect(again.status).toBe(401);
    expect(await again.json()).toMatchObject({ message: expect.stringContaining('already used') });
  });

  test('is refused if the roster lists its signer in another role', async () => {
    const { layout } = world;
    const roster = Roster.peek(await readJson(layout.roster('hospital'))).value;
    expect(roster.people.map(({ roles }) => roles).flat()).toContain('steward');
    const { verifyStewardRequest } = await import('@clean-room/protocol/parties');
    const people = roster.people.map(person => ({ ...person, roles: ['reviewer' as const] }));
    const parts = { method: 'GET', path: '/v1/datasets', body: new Uint8Array() };
    const header = authorizeStewardRequest(key, custodian, parts, new Date(), randomBytes(16));
    expect(() =>
      verifyStewardRequest(header, parts, { custodian, roster: { ...roster, people }, at: new Date() })
    ).toThrow(expect.objectContaining({ code: 'forbidden' }));
  });
});

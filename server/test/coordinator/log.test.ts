import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { digestFromHash, fromBase64 } from '@clean-room/protocol/bytes';
import {
  Checkpoint,
  consistencyProof,
  inclusionProof,
  leafHash,
  treeHash,
  verifyLogProof
} from '@clean-room/protocol/log';
import { routes } from '@clean-room/api/coordinator';
import type { Client } from '@clean-room/api';
import { World } from '../support/coordinator.js';
import { DATABASES, type DatabaseMaker } from '../support/databases.js';
import { rosterOf } from '../support/parties.js';

const SIZES = 18;

/** The server keeps nodes and folds them; the protocol hashes all leaves anew. Both must say the same at every size. */
describe.each(DATABASES)('proofs of the log, on %s', (_kind, prepare) => {
  let maker: DatabaseMaker;
  let world: World;
  let client: Client;

  beforeAll(async () => {
    maker = await prepare();
    world = await World.start({ database: await maker.make() });
    client = world.person(world.parties.university);
  });
  afterAll(async () => {
    await world.stop();
    await maker.dispose();
  });

  async function entries(): Promise<Uint8Array[]> {
    return (await client.call(routes.listLogEntries, { query: { limit: 1000 } })).entries.map(fromBase64);
  }

  async function checkAt(leaves: readonly Uint8Array[], bytes: readonly Uint8Array[]): Promise<void> {
    const head = { size: leaves.length, root: digestFromHash(treeHash(leaves)) };
    for (let index = 0; index < leaves.length; index++) {
      const proof = await client.call(routes.getLogProof, { params: { index } });
      expect(proof.path).toEqual(inclusionProof(leaves, index).map(digestFromHash));
      expect(verifyLogProof(proof, bytes[index]!, world.coordinator.logKey).value.head).toEqual(head);
    }
    for (let from = 0; from <= leaves.length; from++) {
      const { path, checkpoint } = await client.call(routes.getConsistencyProof, { query: { from } });
      expect(Checkpoint.open(checkpoint, world.coordinator.logKey).value.head).toEqual(head);
      const expected = from === 0 || from === leaves.length ? [] : consistencyProof(leaves, from);
      expect(path).toEqual(expected.map(digestFromHash));
    }
  }

  test(`are the protocol’s own, for every entry and earlier size up to ${SIZES} entries`, async () => {
    await client.call(routes.publishRoster, { body: { roster: rosterOf(world.parties.university) } });
    await world.found();
    for (let bytes = await entries(); ; bytes = await entries()) {
      await checkAt(bytes.map(leafHash), bytes);
      if (bytes.length >= SIZES) break;
      await world.submit([world.assets[bytes.length % 2]!]);
    }
  });

  test('of what is not in the log yet there are none', async () => {
    const { length } = await entries();
    await expect(client.call(routes.getLogProof, { params: { index: length } })).rejects.toMatchObject({
      code: 'not-found'
    });
    await expect(
      client.call(routes.getConsistencyProof, { query: { from: length + 1 } })
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});

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
import { TestDeployment } from '../../support/deployment.js';
import { DATABASES, type DatabaseFactory } from '../../support/databases.js';
import { rosterOf } from '../../support/parties.js';

const SIZES = 18;

/** The server stores inner nodes; the protocol hashes all leaves each time. Both must give the same proofs at every size. */
describe.each(DATABASES)('proofs of the log, on %s', (_kind, prepare) => {
  let databases: DatabaseFactory;
  let deployment: TestDeployment;
  let client: Client;

  beforeAll(async () => {
    databases = await prepare();
    deployment = await TestDeployment.start({ database: await databases.create() });
    client = deployment.person(deployment.parties.university);
  });
  afterAll(async () => {
    await deployment.stop();
    await databases.dispose();
  });

  async function entries(): Promise<Uint8Array[]> {
    return (await client.call(routes.listLogEntries, { query: { limit: 1000 } })).entries.map(fromBase64);
  }

  async function checkAt(leaves: readonly Uint8Array[], bytes: readonly Uint8Array[]): Promise<void> {
    const head = { size: leaves.length, root: digestFromHash(treeHash(leaves)) };
    for (let index = 0; index < leaves.length; index++) {
      const proof = await client.call(routes.getLogProof, { params: { index } });
      expect(proof.path).toEqual(inclusionProof(leaves, index).map(digestFromHash));
      expect(verifyLogProof(proof, bytes[index]!, deployment.coordinator.logKey).value.head).toEqual(head);
    }
    for (let from = 0; from <= leaves.length; from++) {
      const { path, checkpoint } = await client.call(routes.getConsistencyProof, { query: { from } });
      expect(Checkpoint.open(checkpoint, deployment.coordinator.logKey).value.head).toEqual(head);
      const expected = from === 0 || from === leaves.length ? [] : consistencyProof(leaves, from);
      expect(path).toEqual(expected.map(digestFromHash));
    }
  }

  test(`equal those of the protocol, for every entry and every earlier size up to ${SIZES} entries`, async () => {
    await client.call(routes.publishRoster, { body: { roster: rosterOf(deployment.parties.university) } });
    await deployment.publishDocuments();
    for (let bytes = await entries(); ; bytes = await entries()) {
      await checkAt(bytes.map(leafHash), bytes);
      if (bytes.length >= SIZES) break;
      await deployment.submit([deployment.assets[bytes.length % 2]!]);
    }
  });

  test('are refused for entries and sizes that the log does not have yet', async () => {
    const { length } = await entries();
    await expect(client.call(routes.getLogProof, { params: { index: length } })).rejects.toMatchObject({
      code: 'not-found'
    });
    await expect(
      client.call(routes.getConsistencyProof, { query: { from: length + 1 } })
    ).rejects.toMatchObject({ code: 'not-found' });
  });
});

import { describe, expect, test } from '@jest/globals';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { routes } from '@clean-room/api/coordinator';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { assetOf, collaborationOf, rosterOf } from '../../support/parties.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: signed documents', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  test('a roster goes neither back nor aside, and is signed by its party', async () => {
    const { university, hospital } = world.parties;
    const publish = (client = world.person(hospital), roster = rosterOf(hospital)) =>
      client.call(routes.publishRoster, { body: { roster } });
    expect(await publish()).toBeDefined(); // the same again
    await expect(publish(undefined, rosterOf(hospital, 1, [{ name: 'Eve' }]))).rejects.toMatchObject({
      code: 'conflict'
    });
    await expect(publish(undefined, rosterOf(hospital, 0))).rejects.toMatchObject({ code: 'conflict' });
    await expect(publish(world.person(university))).rejects.toMatchObject({ code: 'forbidden' });
    const usurper = { ...hospital, root: generateSigningKey() };
    await expect(publish(undefined, rosterOf(usurper, 9))).rejects.toMatchObject({ code: 'conflict' });
    const forged = rosterOf(usurper, 9);
    const payload = rosterOf(hospital, 9).payload;
    await expect(publish(undefined, { ...forged, payload })).rejects.toMatchObject({
      code: 'signature-invalid'
    });
  });

  test('a collaboration is signed by all members, with the root keys known here', async () => {
    const { university, hospital, stranger } = world.parties;
    const publish = (collaboration = collaborationOf([university, hospital], []).envelope) =>
      world.person(university).call(routes.publishCollaboration, { body: { collaboration } });
    const { envelope } = collaborationOf([university, hospital], []);
    await expect(publish({ ...envelope, signatures: envelope.signatures.slice(0, 1) })).rejects.toMatchObject(
      {
        code: 'signature-invalid'
      }
    );
    const usurper = { ...hospital, root: generateSigningKey() };
    await expect(publish(collaborationOf([university, usurper], []).envelope)).rejects.toMatchObject({
      code: 'conflict'
    });
    await expect(publish(collaborationOf([hospital, stranger], []).envelope)).rejects.toMatchObject({
      code: 'forbidden'
    });
  });

  test('an asset is signed by its own custodian, has its bytes, and never goes back', async () => {
    const { university, hospital, insurer } = world.parties;
    const open = { to: [university], kernelImage: world.kernelImage };
    const publish = (asset: ReturnType<typeof assetOf>, by = hospital) =>
      world
        .custodian(by)
        .call(routes.publishAsset, { body: { version: asset.version, policy: asset.policy } });
    await expect(publish(assetOf(hospital, 'unsent', open))).rejects.toMatchObject({ code: 'not-found' });
    await expect(publish(world.assets[0]!, insurer)).rejects.toMatchObject({ code: 'signature-invalid' });
    const imposter = { ...insurer, custodian: hospital.custodian };
    await expect(publish(assetOf(imposter, 'claims', open))).rejects.toMatchObject({ code: 'forbidden' });
    const changed = assetOf(hospital, 'visits', open, { policy: { coHosted: false } });
    await expect(publish(changed)).rejects.toMatchObject({ code: 'conflict' });
    await expect(
      world.custodian(hospital).call(routes.publishAsset, {
        body: { version: world.assets[0]!.version, policy: world.assets[1]!.policy }
      })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
  });
});

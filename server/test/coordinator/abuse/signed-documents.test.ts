import { describe, expect, test } from '@jest/globals';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { routes } from '@clean-room/api/coordinator';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { assetOf, collaborationOf, rosterOf } from '../../support/parties.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';
import { testSimulator } from '../../support/simulator.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: signed documents', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  test('accepts a roster only if its party signed it and its version increases', async () => {
    const { university, hospital } = deployment.parties;
    const publish = (client = deployment.person(hospital), roster = rosterOf(hospital)) =>
      client.call(routes.publishRoster, { body: { roster } });
    expect(await publish()).toBeDefined(); // The same roster again.
    await expect(publish(undefined, rosterOf(hospital, 1, [{ name: 'Eve' }]))).rejects.toMatchObject({
      code: 'conflict'
    });
    await expect(publish(undefined, rosterOf(hospital, 0))).rejects.toMatchObject({ code: 'conflict' });
    await expect(publish(deployment.person(university))).rejects.toMatchObject({ code: 'forbidden' });
    const usurper = { ...hospital, root: generateSigningKey() };
    await expect(publish(undefined, rosterOf(usurper, 9))).rejects.toMatchObject({ code: 'conflict' });
    const forged = rosterOf(usurper, 9);
    const payload = rosterOf(hospital, 9).payload;
    await expect(publish(undefined, { ...forged, payload })).rejects.toMatchObject({
      code: 'signature-invalid'
    });
  });

  test('accepts a collaboration only if all members signed it with their known root keys', async () => {
    const { university, hospital, stranger } = deployment.parties;
    const publish = (collaboration = collaborationOf([university, hospital]).envelope) =>
      deployment.person(university).call(routes.publishCollaboration, { body: { collaboration } });
    const { envelope } = collaborationOf([university, hospital]);
    await expect(publish({ ...envelope, signatures: envelope.signatures.slice(0, 1) })).rejects.toMatchObject(
      {
        code: 'signature-invalid'
      }
    );
    const usurper = { ...hospital, root: generateSigningKey() };
    await expect(publish(collaborationOf([university, usurper]).envelope)).rejects.toMatchObject({
      code: 'conflict'
    });
    await expect(publish(collaborationOf([hospital, stranger]).envelope)).rejects.toMatchObject({
      code: 'forbidden'
    });
  });

  test('accepts an asset only if its custodian signed it, its table is consistent, its files are uploaded and its version increases', async () => {
    const { university, hospital, insurer } = deployment.parties;
    const { root } = await testSimulator();
    const open = {
      to: [university],
      collaboration: deployment.collaboration.read.digest,
      kernelImage: deployment.kernelImage,
      root
    };
    const publish = (asset: ReturnType<typeof assetOf>, by = hospital) =>
      deployment
        .custodian(by)
        .call(routes.publishAsset, { body: { version: asset.version, policy: asset.policy } });
    await expect(publish(assetOf(hospital, 'unsent', open))).rejects.toMatchObject({ code: 'not-found' });
    await expect(publish(deployment.assets[0]!, insurer)).rejects.toMatchObject({
      code: 'signature-invalid'
    });
    const imposter = { ...insurer, custodian: hospital.custodian };
    await expect(publish(assetOf(imposter, 'claims', open))).rejects.toMatchObject({ code: 'forbidden' });
    const inconsistent = assetOf(hospital, 'prices', open, {
      table: { columns: [{ name: 'price', type: 'decimal', nullable: false }] }
    });
    await expect(publish(inconsistent)).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringContaining('"price"')
    });
    const changed = assetOf(hospital, 'visits', open, { policy: { coHosted: false } });
    await expect(publish(changed)).rejects.toMatchObject({ code: 'conflict' });
    const foreign = collaborationOf([university, hospital]).read.digest;
    await expect(
      publish(
        assetOf(
          hospital,
          'visits',
          { ...open, collaboration: foreign },
          { version: 2, policy: { version: 2 } }
        )
      )
    ).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('collaboration') });
    await expect(
      deployment.custodian(hospital).call(routes.publishAsset, {
        body: { version: deployment.assets[0]!.version, policy: deployment.assets[1]!.policy }
      })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
  });
});

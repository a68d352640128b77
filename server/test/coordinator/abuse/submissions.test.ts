import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { routes } from '@clean-room/api/coordinator';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { raw } from '../../support/raw.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: submissions', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  async function refused(
    change: (spec: ReturnType<World['specOf']>) => void,
    by = world.parties.university,
    signer = by
  ): Promise<unknown> {
    const notebook = utf8(`print("${randomUUID()}")`);
    const client = world.person(by);
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const spec = world.specOf(world.assets, notebook, { submitter: signer.researcher.publicKey });
    change(spec);
    const body = await world.sign(spec, notebook, signer);
    return client.call(routes.createSubmission, { body }).catch((error: { code: string }) => error.code);
  }

  test('the key that signs is the caller’s own', async () => {
    expect(await refused(() => undefined, world.parties.university, world.parties.hospital)).toBe(
      'forbidden'
    );
  });

  test('outsiders can not submit into a collaboration', async () => {
    const { stranger } = world.parties;
    expect(await refused(() => undefined, stranger)).toBe('forbidden');
  });

  test.each<[string, (spec: ReturnType<World['specOf']>) => void, string]>([
    ['another purpose', spec => (spec.purpose = 'Advertising'), 'policy-refused'],
    [
      'a recipient outside the party',
      spec => (spec.recipients = [`age1${'q'.repeat(58)}`]),
      'policy-refused'
    ],
    ['an unknown kernel image', spec => (spec.kernelImage = digestOf(utf8('other'))), 'image-unknown'],
    ['an unknown collaboration', spec => (spec.collaboration = digestOf(utf8('other'))), 'not-found'],
    ['an unknown version', spec => (spec.assets[0]!.version = digestOf(utf8('other'))), 'not-found'],
    ['a policy of another dataset', spec => (spec.assets[0]!.policy = spec.assets[1]!.policy), 'conflict'],
    ['another custodian', spec => (spec.assets[0]!.custodian = generateSigningKey().publicKey), 'conflict'],
    ['a GPU', spec => (spec.compute.accelerator = 'gpu'), 'policy-refused']
  ])('%s is refused', async (_what, change, code) => {
    expect(await refused(change)).toBe(code);
  });

  test('the image that was signed is the one that is composed here', async () => {
    const client = world.person(world.parties.university);
    const notebook = utf8('print("signed")');
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const other = utf8('print("other")');
    await client.upload(routes.putObject, { params: { digest: digestOf(other) } }, other);
    const { request } = await world.sign(world.specOf([], notebook), notebook);
    const { spec } = await world.sign(world.specOf([], other), other);
    await expect(client.call(routes.createSubmission, { body: { spec, request } })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  test('bystanders see nothing of it', async () => {
    const { id } = await world.submit(world.assets.slice(0, 1));
    const number = 1;
    for (const client of [world.custodian(world.parties.insurer), world.person(world.parties.stranger)]) {
      expect((await client.call(routes.listSubmissions, {})).items.map(item => item.id)).not.toContain(id);
      await expect(client.call(routes.getSubmission, { params: { id } })).rejects.toMatchObject({
        code: 'not-found'
      });
      await expect(
        client.downloadBytes(routes.getFile, { params: { id, number, '*': 'explore.ipynb' } })
      ).rejects.toMatchObject({ code: 'not-found' });
    }
    await expect(
      world.person(world.parties.stranger).call(routes.addComment, { params: { id }, body: { text: 'hi' } })
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      world.person(world.parties.hospital).call(routes.withdraw, { params: { id } })
    ).rejects.toMatchObject({ code: 'forbidden' });
    for (const path of ['../spec.json', '..%2Fspec.json', 'explore.ipynb%00', '%2Fetc%2Fpasswd']) {
      const answer = await raw(world, 'GET', `/v1/submissions/${id}/revisions/1/files/${path}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });
});

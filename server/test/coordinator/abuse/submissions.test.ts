import { describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { rawRequest } from '../../support/raw-request.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: submissions', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  async function submitError(
    change: (spec: ReturnType<TestDeployment['specOf']>) => void,
    by = deployment.parties.university,
    signer = by
  ): Promise<unknown> {
    const notebook = utf8(`print("${randomUUID()}")`);
    const client = deployment.person(by);
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const spec = deployment.specOf(deployment.assets, notebook, { submitter: signer.researcher.publicKey });
    change(spec);
    const body = await deployment.sign(spec, notebook, signer);
    return client
      .call(routes.createSubmission, { body })
      .catch((error: unknown) => (isCleanRoomError(error) ? error.code : error));
  }

  test('refuses a submission that is not signed with the caller’s own key', async () => {
    expect(
      await submitError(() => undefined, deployment.parties.university, deployment.parties.hospital)
    ).toBe('forbidden');
  });

  test('refuses a submission of a party that is not a member of the collaboration', async () => {
    const { stranger } = deployment.parties;
    expect(await submitError(() => undefined, stranger)).toBe('forbidden');
  });

  test.each<[string, (spec: ReturnType<TestDeployment['specOf']>) => void, string]>([
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
  ])('refuses a submission with %s', async (_what, change, code) => {
    expect(await submitError(change)).toBe(code);
  });

  test('refuses a submission whose signed image digest differs from the composed one', async () => {
    const client = deployment.person(deployment.parties.university);
    const notebook = utf8('print("signed")');
    await client.upload(routes.putObject, { params: { digest: digestOf(notebook) } }, notebook);
    const other = utf8('print("other")');
    await client.upload(routes.putObject, { params: { digest: digestOf(other) } }, other);
    const { request } = await deployment.sign(deployment.specOf([], notebook), notebook);
    const { spec } = await deployment.sign(deployment.specOf([], other), other);
    await expect(client.call(routes.createSubmission, { body: { spec, request } })).rejects.toMatchObject({
      code: 'digest-mismatch'
    });
  });

  test('hides a submission from parties that it does not concern', async () => {
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    const number = 1;
    for (const client of [
      deployment.custodian(deployment.parties.insurer),
      deployment.person(deployment.parties.stranger)
    ]) {
      expect((await client.call(routes.listSubmissions, {})).items.map(item => item.id)).not.toContain(id);
      await expect(client.call(routes.getSubmission, { params: { id } })).rejects.toMatchObject({
        code: 'not-found'
      });
      await expect(
        client.downloadBytes(routes.getFile, { params: { id, number, '*': 'explore.ipynb' } })
      ).rejects.toMatchObject({ code: 'not-found' });
    }
    await expect(
      deployment
        .person(deployment.parties.stranger)
        .call(routes.addComment, { params: { id }, body: { text: 'hi' } })
    ).rejects.toMatchObject({ code: 'not-found' });
    await expect(
      deployment.person(deployment.parties.hospital).call(routes.withdraw, { params: { id } })
    ).rejects.toMatchObject({ code: 'forbidden' });
    for (const path of ['../spec.json', '..%2Fspec.json', 'explore.ipynb%00', '%2Fetc%2Fpasswd']) {
      const answer = await rawRequest(deployment, 'GET', `/v1/submissions/${id}/revisions/1/files/${path}`);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
  });
});

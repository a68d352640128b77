import { describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Approval } from '@clean-room/protocol/approvals';
import { isCleanRoomError } from '@clean-room/protocol/errors';
import { routes } from '@clean-room/api/coordinator';
import type { TestDeployment } from '../../support/deployment.js';
import { DATABASES } from '../../support/databases.js';
import { useSharedDeployment } from '../../support/shared-deployment.js';

describe.each(DATABASES)('the coordinator resists abuse, on %s: approvals', (_kind, prepare) => {
  let deployment: TestDeployment;
  useSharedDeployment(prepare, shared => {
    deployment = shared;
  });

  async function approveError(
    changes: Partial<Approval>,
    by = deployment.parties.hospital
  ): Promise<unknown> {
    const { id } = await deployment.submit();
    const body = await deployment.approval(deployment.parties.hospital, id, changes);
    const answer = await deployment
      .custodian(by)
      .call(routes.approve, { params: { id }, body })
      .catch((error: unknown) => (isCleanRoomError(error) ? error.code : error));
    const { revisions } = await deployment
      .custodian(deployment.parties.hospital)
      .call(routes.getSubmission, { params: { id } });
    expect(revisions[0]!.decisions.every(decision => decision.state === 'pending')).toBe(true);
    return answer;
  }

  test.each<[string, Partial<Approval>]>([
    ['another image', { image: digestOf(utf8('other')) }],
    ['another spec', { spec: digestOf(utf8('other')) }],
    [
      'fewer assets',
      { assets: [{ name: 'hospital/other', version: digestOf(utf8('x')), policy: digestOf(utf8('y')) }] }
    ],
    ['more runs than the policy allows', { runs: 4 }],
    ['more spare starts than the policy allows', { spareStarts: 2 }],
    ['a person who is not a reviewer', { reviewer: 'eve' }],
    ['a missing passkey assertion', { unattended: false }]
  ])('refuses an approval with %s', async (_what, changes) => {
    expect(await approveError(changes)).toBe('approval-invalid');
  });

  test('refuses an approval that has expired, is forged, or comes from another custodian', async () => {
    expect(await approveError({ expires: '2026-01-01T00:00:00Z' })).toBe('expired');
    expect(await approveError({}, deployment.parties.insurer)).toBe('signature-invalid');
    const { hospital } = deployment.parties;
    const { id } = await deployment.submit();
    const { envelope, roster } = await deployment.approval(hospital, id);
    const value = Approval.peek(envelope).value;
    const forged = { envelope: Approval.sign(value, generateSigningKey()), roster };
    await expect(
      deployment.custodian(hospital).call(routes.approve, { params: { id }, body: forged })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
    const relabelled = {
      ...forged.envelope,
      signatures: [{ ...forged.envelope.signatures[0]!, keyid: hospital.custodian.publicKey }]
    };
    await expect(
      deployment
        .custodian(hospital)
        .call(routes.approve, { params: { id }, body: { envelope: relabelled, roster } })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('queues one run when two providers approve at the same time', async () => {
    const { university, hospital, insurer } = deployment.parties;
    const { id } = await deployment.submit();
    const bodies = await Promise.all([deployment.approval(hospital, id), deployment.approval(insurer, id)]);
    await Promise.all(
      [hospital, insurer].flatMap((provider, index) =>
        [1, 2, 3].map(() =>
          deployment.custodian(provider).call(routes.approve, { params: { id }, body: bodies[index]! })
        )
      )
    );
    const view = await deployment.person(university).call(routes.getSubmission, { params: { id } });
    expect(view.revisions[0]).toMatchObject({ state: 'approved' });
    expect(view.runs).toHaveLength(1);
  }, 30_000);

  test('stays consistent when an approval and a withdrawal arrive at the same time', async () => {
    const { university, hospital } = deployment.parties;
    const { id } = await deployment.submit(deployment.assets.slice(0, 1));
    const body = await deployment.approval(hospital, id);
    await Promise.allSettled([
      deployment.custodian(hospital).call(routes.approve, { params: { id }, body }),
      deployment.person(university).call(routes.withdraw, { params: { id } })
    ]);
    const { revisions, runs } = await deployment
      .person(university)
      .call(routes.getSubmission, { params: { id } });
    expect(revisions[0]!.state).toBe('withdrawn');
    for (const run of runs) expect(run.state).toBe('cancelled');
  }, 30_000);
});

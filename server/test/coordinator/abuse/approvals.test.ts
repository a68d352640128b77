import { describe, expect, test } from '@jest/globals';
import { digestOf, utf8 } from '@clean-room/protocol/bytes';
import { generateSigningKey } from '@clean-room/protocol/documents';
import { Approval } from '@clean-room/protocol/approvals';
import { routes } from '@clean-room/api/coordinator';
import type { World } from '../../support/coordinator.js';
import { DATABASES } from '../../support/databases.js';
import { sharedWorld } from '../../support/shared-world.js';

describe.each(DATABASES)('the coordinator stands its ground, on %s: approvals', (_kind, prepare) => {
  let world: World;
  sharedWorld(prepare, shared => {
    world = shared;
  });

  async function refusal(changes: Partial<Approval>, by = world.parties.hospital): Promise<unknown> {
    const { id } = await world.submit();
    const body = await world.approval(world.parties.hospital, id, changes);
    const answer = await world
      .custodian(by)
      .call(routes.approve, { params: { id }, body })
      .catch((error: { code: string }) => error.code);
    const { revisions } = await world
      .custodian(world.parties.hospital)
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
    ['more attempts than the policy has', { attempts: 4 }],
    ['a reviewer who is none', { reviewer: 'eve' }],
    ['a passkey that did not answer', { unattended: false }]
  ])('one for %s does not count', async (_what, changes) => {
    expect(await refusal(changes)).toBe('approval-invalid');
  });

  test('one that has ended, is forged, or comes from another custodian does not count', async () => {
    expect(await refusal({ expires: '2026-01-01T00:00:00Z' })).toBe('expired');
    expect(await refusal({}, world.parties.insurer)).toBe('signature-invalid');
    const { hospital } = world.parties;
    const { id } = await world.submit();
    const { envelope, roster } = await world.approval(hospital, id);
    const value = Approval.peek(envelope).value;
    const forged = { envelope: Approval.sign(value, generateSigningKey()), roster };
    await expect(
      world.custodian(hospital).call(routes.approve, { params: { id }, body: forged })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
    const relabelled = {
      ...forged.envelope,
      signatures: [{ ...forged.envelope.signatures[0]!, keyid: hospital.custodian.publicKey }]
    };
    await expect(
      world
        .custodian(hospital)
        .call(routes.approve, { params: { id }, body: { envelope: relabelled, roster } })
    ).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  test('two providers at once approve one run, not two', async () => {
    const { university, hospital, insurer } = world.parties;
    const { id } = await world.submit();
    const bodies = await Promise.all([world.approval(hospital, id), world.approval(insurer, id)]);
    await Promise.all(
      [hospital, insurer].flatMap((provider, index) =>
        [1, 2, 3].map(() =>
          world.custodian(provider).call(routes.approve, { params: { id }, body: bodies[index]! })
        )
      )
    );
    const view = await world.person(university).call(routes.getSubmission, { params: { id } });
    expect(view.revisions[0]).toMatchObject({ state: 'approved' });
    expect(view.runs).toHaveLength(1);
  }, 30_000);

  test('yes and no at once: one of them holds, and everything agrees with it', async () => {
    const { university, hospital } = world.parties;
    const { id } = await world.submit(world.assets.slice(0, 1));
    const body = await world.approval(hospital, id);
    await Promise.allSettled([
      world.custodian(hospital).call(routes.approve, { params: { id }, body }),
      world.person(university).call(routes.withdraw, { params: { id } })
    ]);
    const { revisions, runs } = await world.person(university).call(routes.getSubmission, { params: { id } });
    expect(revisions[0]!.state).toBe('withdrawn');
    for (const run of runs) expect(run.state).toBe('cancelled');
  }, 30_000);
});

import { KeyReleaseAnswer, openFileKey } from '@clean-room/protocol/key-release';
import { revokeApprovals } from '../../../src/custodian/approvals/reject.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { releaseKeys } from '../../../src/custodian/key-release/release.js';
import { createKeyRequest } from '../support/attempt.js';
import { DemoWorld } from '../support/demo.js';

let world: DemoWorld;
let hospital: CustodianContext;
let insurer: CustodianContext;
let submission: string;

async function submitApproved(...sources: string[]): Promise<string> {
  const { id } = await world.submitJoin(...sources);
  await world.approve(id, 'hospital');
  await world.approve(id, 'insurer');
  return id;
}

beforeAll(async () => {
  world = await DemoWorld.create();
  await world.start('hospital', 'insurer');
  await world.provision('hospital');
  await world.provision('insurer');
  hospital = world.custodian('hospital').context;
  insurer = world.custodian('insurer').context;
  submission = await submitApproved();
});
afterAll(() => world.stop());

describe('an attempt on the data of two providers', () => {
  it('receives from each custodian the keys of that provider’s data only', async () => {
    const toHospital = await createKeyRequest(world, submission);
    const { key } = toHospital;
    const toInsurer = await createKeyRequest(world, submission, { key }, 'insurer');
    for (const [context, { request, message }] of [
      [hospital, toHospital],
      [insurer, toInsurer]
    ] as const) {
      const { value } = KeyReleaseAnswer.open(await releaseKeys(context, message), context.keys.publicKey);
      const [own] = await context.registry.list();
      expect(value).toMatchObject({
        custodian: context.keys.publicKey,
        attemptKey: key.publicKey,
        attempt: 1
      });
      expect(value.assets.map(({ version }) => version)).toEqual([own!.version.digest]);
      const fileKey = await openFileKey(value.assets[0]!.fileKey, key, request.digest, own!.version.digest);
      expect(fileKey).toHaveLength(16);
    }
  });

  it('receives nothing from a custodian for a request to the other', async () => {
    const { message } = await createKeyRequest(world, submission, {}, 'insurer');
    await expect(releaseKeys(hospital, message)).rejects.toMatchObject({ code: 'key-release-refused' });
  });

  it('receives nothing for a token that was issued for the other custodian', async () => {
    const toHospital = await createKeyRequest(world, submission);
    const toInsurer = await createKeyRequest(
      world,
      submission,
      { key: toHospital.key, message: { token: toHospital.message.token } },
      'insurer'
    );
    await expect(releaseKeys(insurer, toInsurer.message)).rejects.toMatchObject({
      code: 'attestation-refused'
    });
  });

  it('receives nothing for the approval of the other provider', async () => {
    const { message } = await createKeyRequest(world, submission);
    const foreign = await createKeyRequest(
      world,
      submission,
      { message: { approval: message.approval } },
      'insurer'
    );
    await expect(releaseKeys(insurer, foreign.message)).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  it('receives nothing from a provider that has revoked its approval, although the other still approves', async () => {
    const id = await submitApproved('print("revoked")');
    const { message } = await createKeyRequest(world, id, {}, 'insurer');
    expect(await revokeApprovals(insurer, id)).toBe(1);
    await expect(releaseKeys(insurer, message)).rejects.toMatchObject({ code: 'approval-invalid' });
  });
});

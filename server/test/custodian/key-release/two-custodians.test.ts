import { generateSigningKey, type Envelope } from '@clean-room/protocol/documents';
import { KeyReleaseAnswer, KeyReleaseReady, openFileKey } from '@clean-room/protocol/key-release';
import { revokeApprovals } from '../../../src/custodian/approvals/reject.js';
import type { CustodianContext } from '../../../src/custodian/context.js';
import { nextStep, type KeyReleaseStep } from '../../../src/custodian/key-release/release.js';
import { createKeyRequest, type SentKeyRequest } from '../support/attempt.js';
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

/** Returns the first step of a custodian that has received a request with its token. */
function stepFor(
  context: CustodianContext,
  { message, token }: SentKeyRequest,
  ready: readonly Envelope[] = []
): Promise<KeyReleaseStep> {
  return nextStep(context, { message, token, tokensWanted: 1, ready: [...ready] });
}

/** Returns a custodian's statement that it is ready. */
async function readyOf(context: CustodianContext, sent: SentKeyRequest): Promise<Envelope> {
  const step = await stepFor(context, sent);
  if (!('ready' in step)) throw new Error(`the custodian is not ready: ${JSON.stringify(step)}`);
  return step.ready;
}

/** Returns the requests of one attempt to both custodians. */
async function requests(id = submission): Promise<{ toHospital: SentKeyRequest; toInsurer: SentKeyRequest }> {
  const toHospital = await createKeyRequest(world, id);
  return { toHospital, toInsurer: await createKeyRequest(world, id, { key: toHospital.key }, 'insurer') };
}

async function countedAttempts(context: CustodianContext): Promise<number> {
  return (await context.db.selectFrom('attempt').selectAll().execute()).length;
}

describe('an attempt on the data of two providers', () => {
  it('receives from each custodian the keys of that provider’s data only', async () => {
    const { toHospital, toInsurer } = await requests(await submitApproved('print("both")'));
    const ready = [await readyOf(hospital, toHospital), await readyOf(insurer, toInsurer)];
    for (const [context, sent] of [
      [hospital, toHospital],
      [insurer, toInsurer]
    ] as const) {
      const step = (await stepFor(context, sent, ready)) as { answer: Envelope };
      const { value } = KeyReleaseAnswer.open(step.answer, context.keys.publicKey);
      const [own] = await context.registry.list();
      expect(value).toMatchObject({ custodian: context.keys.publicKey, attemptKey: sent.key.publicKey });
      expect(value.assets.map(({ version }) => version)).toEqual([own!.version.digest]);
      const fileKey = await openFileKey(
        value.assets[0]!.fileKey,
        sent.key,
        sent.request.digest,
        own!.version.digest
      );
      expect(fileKey).toHaveLength(16);
    }
  });

  it('receives and costs nothing while the other custodian is not ready', async () => {
    const id = await submitApproved('print("waiting")');
    const { toHospital, toInsurer } = await requests(id);
    const before = await countedAttempts(hospital);
    const own = await readyOf(hospital, toHospital);
    expect(await stepFor(hospital, toHospital, [own])).toEqual({ wait: true });
    const otherAttempt = await readyOf(insurer, await createKeyRequest(world, id, {}, 'insurer'));
    expect(await stepFor(hospital, toHospital, [own, otherAttempt])).toEqual({ wait: true });
    const forged = KeyReleaseReady.sign(
      { ...KeyReleaseReady.peek(own).value, custodian: insurer.keys.publicKey },
      generateSigningKey()
    );
    expect(await stepFor(hospital, toHospital, [own, forged])).toEqual({ wait: true });
    expect(await countedAttempts(hospital)).toBe(before);
    const ready = [own, await readyOf(insurer, toInsurer)];
    expect(await stepFor(hospital, toHospital, ready)).toHaveProperty('answer');
    expect(await countedAttempts(hospital)).toBe(before + 1);
  });

  it('is not declared ready by a custodian whose approval permits no further attempt', async () => {
    const id = await submitApproved('print("once")');
    const first = await requests(id);
    const ready = [await readyOf(hospital, first.toHospital), await readyOf(insurer, first.toInsurer)];
    expect(await stepFor(hospital, first.toHospital, ready)).toHaveProperty('answer');
    await expect(stepFor(hospital, (await requests(id)).toHospital)).rejects.toMatchObject({
      code: 'attempts-spent'
    });
  });

  it('takes no tokens while it waits: a custodian whose statement expired asks again when the other is ready', async () => {
    const { toHospital, toInsurer } = await requests();
    const own = await readyOf(hospital, toHospital);
    world.clockOffsetMs = 11 * 60_000;
    try {
      expect(await stepFor(hospital, toHospital, [own])).toEqual({ wait: true });
      const fresh = await createKeyRequest(world, submission, { key: toInsurer.key, age: -660 }, 'insurer');
      const other = await readyOf(insurer, fresh);
      expect(await stepFor(hospital, toHospital, [own, other])).toEqual({ tokensWanted: 2 });
    } finally {
      world.clockOffsetMs = 0;
    }
  });

  it('receives nothing from a custodian for a request to the other', async () => {
    const { toInsurer } = await requests();
    await expect(stepFor(hospital, toInsurer)).rejects.toMatchObject({ code: 'key-release-refused' });
  });

  it('receives nothing for a token that was issued for the other custodian', async () => {
    const { toHospital, toInsurer } = await requests();
    await expect(stepFor(insurer, { ...toInsurer, token: toHospital.token })).rejects.toMatchObject({
      code: 'attestation-refused'
    });
  });

  it('receives nothing for the approval of the other provider', async () => {
    const { toHospital } = await requests();
    const foreign = await createKeyRequest(
      world,
      submission,
      { message: { approval: toHospital.message.approval } },
      'insurer'
    );
    await expect(stepFor(insurer, foreign)).rejects.toMatchObject({ code: 'signature-invalid' });
  });

  it('receives nothing from a provider that revoked its approval after both were ready', async () => {
    const id = await submitApproved('print("revoked")');
    const { toHospital, toInsurer } = await requests(id);
    const ready = [await readyOf(hospital, toHospital), await readyOf(insurer, toInsurer)];
    expect(await revokeApprovals(insurer, id)).toBe(1);
    await expect(stepFor(insurer, toInsurer, ready)).rejects.toMatchObject({ code: 'approval-invalid' });
  });
});

import { describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { GOOGLE_ISSUER } from '../../src/attestation/trust.js';
import { digestOf } from '../../src/bytes/digest.js';
import { fromBase64, utf8 } from '../../src/bytes/encoding.js';
import { toTimestamp } from '../../src/documents/fields.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import type { KernelImageRevocations } from '../../src/kernel-images/revocations.js';
import type { Receipt, TrustRoots } from '../../src/receipts/receipt.js';
import type { ReceiptStepId } from '../../src/receipts/steps.js';
import { verifyReceipt } from '../../src/receipts/verify.js';
import { makeReceipt, type Changes } from '../support/receipt.js';

const bytesOf = (receipt: Receipt) => utf8(JSON.stringify(receipt));

async function failedSteps(receipt: Receipt, trust: TrustRoots): Promise<ReceiptStepId[]> {
  const { steps, outcome } = await verifyReceipt(bytesOf(receipt), { trust });
  const failed = steps.filter(step => step.status === 'fail').map(step => step.id);
  expect(outcome === 'failed').toBe(failed.length > 0);
  return failed;
}

/** The keys and indexes that lead from a receipt to a value in it. */
type Path = readonly (string | number)[];

/** Returns the paths of a value and of everything in it. */
function pathsIn(value: unknown, here: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [here];
  const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [here, ...members.flatMap(([key, member]) => pathsIn(member, [...here, key]))];
}

/** Returns a copy of a receipt in which the value at a path is another one. */
function withValue(receipt: Receipt, path: Path, value: unknown): Receipt {
  const copy = { root: structuredClone(receipt) };
  const keys = ['root', ...path];
  const last = keys.pop()!;
  let parent: unknown = copy;
  for (const key of keys) parent = (parent as Record<string | number, unknown>)[key];
  Object.assign(parent as object, { [last]: value });
  return copy.root;
}

describe('a receipt', () => {
  it('of a complete run is verified, and says that it is simulated and that its time is not proven', async () => {
    const { receipt, trust } = await makeReceipt();
    const appraisal = await verifyReceipt(bytesOf(receipt), { trust });
    expect(
      appraisal.steps.filter(step => !['pass', 'not-asked', 'not-proved'].includes(step.status))
    ).toEqual([]);
    expect(appraisal).toMatchObject({
      outcome: 'verified',
      summary: 'Verified. The time is not independently proven. SIMULATED: no hardware protected this run.',
      marks: { simulated: true, coHosted: ['hospital'], unattended: [], developmentKernelImage: true }
    });
    expect(appraisal.steps.find(step => step.id === 'time')?.status).toBe('not-proved');
  });

  it('of a run without datasets is verified', async () => {
    const { receipt, trust } = await makeReceipt({ withoutAssets: true });
    expect(await failedSteps(receipt, trust)).toEqual([]);
  });

  it('is only consistent if there are no trust roots', async () => {
    for (const withoutAssets of [false, true]) {
      const { receipt } = await makeReceipt({ withoutAssets });
      const appraisal = await verifyReceipt(bytesOf(receipt));
      expect(appraisal).toMatchObject({
        outcome: 'consistent',
        summary: expect.stringMatching(/not all signers are known/)
      });
    }
  });

  it('is only consistent if the verifier does not know the parties or the release key', async () => {
    const { receipt, trust } = await makeReceipt();
    const stranger = generateSigningKey().publicKey;
    for (const other of [
      { ...trust, parties: [{ title: 'Hospital', rootKey: stranger }] },
      { ...trust, kernelImageSigners: [stranger] }
    ]) {
      expect((await verifyReceipt(bytesOf(receipt), { trust: other })).outcome).toBe('consistent');
    }
  });

  it('fails if the verifier does not trust its TEE root', async () => {
    const { receipt, trust } = await makeReceipt();
    expect(await failedSteps(receipt, { ...trust, tee: [] })).toContain('token');
    const { certificate } = trust.tee[0]!;
    expect(await failedSteps(receipt, { ...trust, tee: [{ kind: 'hardware', certificate }] })).toContain(
      'token'
    );
  });

  it('fails without an exception if any value in it is replaced', async () => {
    const { receipt, trust } = await makeReceipt();
    const empty = 'e30='; // {}
    for (const path of pathsIn(receipt)) {
      for (const value of [null, 1, '', 'AAAA', empty, [], {}, 'x'.repeat(100_000)]) {
        const changed = withValue(receipt, path, value);
        if (JSON.stringify(changed) === JSON.stringify(receipt)) continue;
        const { outcome } = await verifyReceipt(bytesOf(changed), { trust });
        expect({ path: path.join('.'), value, outcome }).toEqual({
          path: path.join('.'),
          value,
          outcome: 'failed'
        });
      }
    }
  });

  it('marks an unattended approval', async () => {
    const { receipt, trust } = await makeReceipt({ approval: { unattended: true } });
    const appraisal = await verifyReceipt(bytesOf(receipt), { trust });
    expect(appraisal).toMatchObject({ outcome: 'verified', marks: { unattended: ['hospital'] } });
  });

  const other = digestOf(utf8('something else'));
  it.each<[string, Changes, ReceiptStepId]>([
    ['another image than the approved one', { approval: { image: other } }, 'approvals'],
    ['another spec than the approved one', { approval: { spec: other } }, 'approvals'],
    ['an approval that had expired', { approval: { expires: '2026-11-20T11:00:00Z' } }, 'approvals'],
    [
      'an unattended approval of real data',
      { approval: { unattended: true }, sealedFor: 'hardware' },
      'approvals'
    ],
    ['a purpose that the policy does not name', { spec: { purpose: 'Marketing' } }, 'terms'],
    [
      'a TEE rule that the token does not satisfy',
      { teeRule: "assertion.hwmodel == 'GCP_INTEL_TDX'" },
      'tee-rule'
    ],
    [
      'a token for another run statement',
      { claims: payload => (payload.eat_nonce = 'n'.repeat(43)) },
      'token'
    ],
    [
      'a token for another audience',
      { claims: payload => (payload.aud = 'clean-room:custodian:v1:x') },
      'token'
    ],
    [
      'a token of another image',
      { claims: payload => (payload.submods.container.image_digest = other) },
      'token'
    ],
    ['a debug machine', { claims: payload => (payload.dbgstat = 'enabled') }, 'token'],
    [
      'an environment variable that the operator set',
      { claims: payload => (payload.submods.container.env_override['LD_PRELOAD'] = '/x') },
      'token'
    ],
    ['a submitter who is not a researcher', { submitterRoles: ['steward'] }, 'submitter'],
    ['another kernel image in the statement', { predicate: { kernelImage: other } }, 'spec'],
    [
      'another recipient in the statement',
      {
        predicate: {
          outputs: {
            notebook: { name: 'x', digest: other, bytes: 1 },
            recipients: [`age1${'q'.repeat(58)}`],
            reviewers: []
          }
        }
      },
      'spec'
    ],
    ['another collaboration in the statement', { predicate: { collaboration: other } }, 'spec'],
    ['fewer datasets in the statement', { predicate: { assets: [] } }, 'assets'],
    [
      'a reviewing custodian that released nothing',
      {
        predicate: {
          outputs: {
            notebook: { name: 'x', digest: other, bytes: 1 },
            recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
            reviewers: [`ed25519:${'A'.repeat(43)}`]
          }
        }
      },
      'output-releases'
    ],
    [
      'another attempt than the one that received the keys',
      { predicate: { attemptKey: `x25519:${'A'.repeat(43)}` } },
      'key-releases'
    ]
  ])('with %s fails the step that checks it', async (_name, changes, step) => {
    const { receipt, trust } = await makeReceipt(changes);
    expect(await failedSteps(receipt, trust)).toContain(step);
  });

  it('fails if its parts are from two runs', async () => {
    const [one, two] = [await makeReceipt(), await makeReceipt()];
    const parts = [
      'statement',
      'token',
      'spec',
      'collaboration',
      'request',
      'submitterRoster',
      'assets',
      'approvals',
      'keyReleases',
      'kernelImage',
      'image'
    ] as const;
    for (const part of parts) {
      const mixed = { ...one.receipt, [part]: two.receipt[part] };
      expect([part, await failedSteps(mixed, one.trust)]).not.toEqual([part, []]);
    }
  });

  it('fails without an exception if something is missing, added or damaged', async () => {
    const { receipt, trust } = await makeReceipt();
    const damaged: unknown[] = [
      {},
      [],
      'receipt',
      { ...receipt, extra: 1 },
      { ...receipt, format: 'clean-room.receipt/v2' },
      { ...receipt, token: 'no token' },
      { ...receipt, token: `${receipt.token}x` },
      { ...receipt, statement: 'AAAA' },
      { ...receipt, approvals: [] },
      { ...receipt, keyReleases: [] },
      { ...receipt, approvals: [...receipt.approvals, ...receipt.approvals] },
      { ...receipt, assets: [] }
    ];
    for (const value of damaged) {
      const appraisal = await verifyReceipt(utf8(JSON.stringify(value)), { trust });
      expect(appraisal.outcome).toBe('failed');
    }
    expect((await verifyReceipt(Uint8Array.of(1, 2, 3), { trust })).outcome).toBe('failed');
  });

  it('of a machine whose hardware root is not compiled in fails, although the trust roots name it', async () => {
    const { receipt, trust } = await makeReceipt({
      claims: payload => Object.assign(payload, { iss: GOOGLE_ISSUER, hwmodel: 'GCP_INTEL_TDX' })
    });
    const { certificate } = trust.tee[0]!;
    const tee = [{ kind: 'hardware' as const, certificate }];
    const { steps } = await verifyReceipt(bytesOf(receipt), { trust: { ...trust, tee } });
    expect(steps.find(({ id }) => id === 'token')).toMatchObject({
      status: 'fail',
      detail: expect.stringContaining(`The root certificate ${certificate} is not trusted.`)
    });
    const { marks } = await verifyReceipt(bytesOf(receipt));
    expect(marks.otherRoot).toBe('an unknown owner');
  });

  it('on a kernel image of a build for tests fails', async () => {
    const { receipt, trust } = await makeReceipt({ hardwareRoots: [digestOf(utf8('a test authority'))] });
    const { steps } = await verifyReceipt(bytesOf(receipt), { trust });
    expect(steps.find(({ id }) => id === 'kernel-image')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/which this program does not know/)
    });
  });

  it('of data for hardware fails if its kernel image is one of development', async () => {
    const { receipt, trust } = await makeReceipt({ sealedFor: 'hardware' });
    const { steps } = await verifyReceipt(bytesOf(receipt), { trust });
    expect(steps.find(({ id }) => id === 'kernel-image')).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/development kernel image/)
    });
  });

  describe('on a revoked kernel image', () => {
    const revoke = (receipt: Receipt, signer: string, revokedAt: string): KernelImageRevocations => ({
      format: 'clean-room.kernel-image-revocations/v1',
      signer,
      version: 1,
      entries: [
        {
          digest: digestOf(fromBase64(receipt.kernelImage.manifest)),
          revokedAt,
          reason: 'A test of revocation'
        }
      ]
    });
    const signerOf = (receipt: Receipt): string => receipt.kernelImage.statement.signatures[0]!.keyid;
    const issuedAt = (receipt: Receipt): number => decodeJwt(receipt.token).iat! * 1000;

    it('stays verified, with a note, if the run ended before the revocation', async () => {
      const { receipt, trust } = await makeReceipt();
      const after = toTimestamp(new Date(issuedAt(receipt) + 1000));
      const revocations = [revoke(receipt, signerOf(receipt), after)];
      const appraisal = await verifyReceipt(bytesOf(receipt), { trust, revocations });
      expect(appraisal.outcome).toBe('verified');
      expect(appraisal.steps.find(({ id }) => id === 'kernel-image')).toMatchObject({
        status: 'pass',
        detail: `python-cpu. It was revoked on ${after.slice(0, 10)} (A test of revocation), after this run had ended.`
      });
    });

    it('fails if the run ended after the revocation, also without trust roots', async () => {
      const { receipt, trust } = await makeReceipt();
      const before = toTimestamp(new Date(issuedAt(receipt)));
      const revocations = [revoke(receipt, signerOf(receipt), before)];
      for (const options of [{ trust, revocations }, { revocations }]) {
        const { outcome, steps } = await verifyReceipt(bytesOf(receipt), options);
        expect(outcome).toBe('failed');
        expect(steps.filter(({ status }) => status === 'fail')).toMatchObject([
          { id: 'kernel-image', detail: expect.stringMatching(/^The kernel image was revoked on /) }
        ]);
      }
    });

    it('ignores a list of a key that neither is trusted nor signed the image', async () => {
      const { receipt, trust } = await makeReceipt();
      const stranger = generateSigningKey().publicKey;
      const revocations = [revoke(receipt, stranger, '2020-01-01T00:00:00Z')];
      expect((await verifyReceipt(bytesOf(receipt), { trust, revocations })).outcome).toBe('verified');
      const trusting = { ...trust, kernelImageSigners: [...trust.kernelImageSigners, stranger] };
      expect((await verifyReceipt(bytesOf(receipt), { trust: trusting, revocations })).outcome).toBe(
        'failed'
      );
    });
  });

  it('fails if it is verified for a time at which its approval had expired', async () => {
    const { receipt, trust } = await makeReceipt();
    const appraisal = await verifyReceipt(bytesOf(receipt), { trust, at: new Date('2026-11-28T00:00:00Z') });
    expect(appraisal.outcome).toBe('failed');
  });
});

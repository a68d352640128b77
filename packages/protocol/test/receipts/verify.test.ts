import { digestOf } from '../../src/bytes/digest.js';
import { utf8 } from '../../src/bytes/encoding.js';
import { generateSigningKey } from '../../src/documents/keys.js';
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

type Place = readonly (string | number)[];

function placesIn(value: unknown, here: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [here];
  const members = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  return [here, ...members.flatMap(([key, member]) => placesIn(member, [...here, key]))];
}

function withValue(receipt: Receipt, place: Place, value: unknown): Receipt {
  const whole = { root: structuredClone(receipt) };
  const path = ['root', ...place];
  const last = path.pop()!;
  const holder = path.reduce((object, key) => (object as never)[key], whole as object);
  Object.assign(holder, { [last]: value });
  return whole.root;
}

describe('a receipt', () => {
  it('of a whole run verifies, says that it is simulated and that time is unproven', async () => {
    const { receipt, trust } = await makeReceipt();
    const verdict = await verifyReceipt(bytesOf(receipt), { trust });
    expect(verdict.steps.filter(step => !['pass', 'not-asked', 'not-proved'].includes(step.status))).toEqual(
      []
    );
    expect(verdict).toMatchObject({
      outcome: 'verified',
      summary: 'Verified; signed, time unproven. SIMULATED: no hardware vouches for it.',
      marks: { simulated: true, coHosted: ['hospital'], unattended: [], developmentKernelImage: true }
    });
    expect(verdict.steps.find(step => step.id === 'time')?.status).toBe('not-proved');
  });

  it('of a run without datasets verifies too', async () => {
    const { receipt, trust } = await makeReceipt({ withoutAssets: true });
    expect(await failedSteps(receipt, trust)).toEqual([]);
  });

  it('without trust roots is consistent, signers unknown', async () => {
    for (const withoutAssets of [false, true]) {
      const { receipt } = await makeReceipt({ withoutAssets });
      const verdict = await verifyReceipt(bytesOf(receipt));
      expect(verdict).toMatchObject({
        outcome: 'consistent',
        summary: expect.stringMatching(/signers unknown/)
      });
    }
  });

  it('with parties or release keys that the verifier does not know is consistent at best', async () => {
    const { receipt, trust } = await makeReceipt();
    const stranger = generateSigningKey().publicKey;
    for (const other of [
      { ...trust, parties: [{ title: 'Hospital', rootKey: stranger }] },
      { ...trust, kernelImageSigners: [stranger] }
    ]) {
      expect((await verifyReceipt(bytesOf(receipt), { trust: other })).outcome).toBe('consistent');
    }
  });

  it('with a TEE root that the verifier does not trust fails', async () => {
    const { receipt, trust } = await makeReceipt();
    expect(await failedSteps(receipt, { ...trust, tee: [] })).toContain('token');
    const { certificate } = trust.tee[0]!;
    expect(await failedSteps(receipt, { ...trust, tee: [{ kind: 'hardware', certificate }] })).toContain(
      'token'
    );
  });

  it('is a verdict wherever something else stands in it, never an exception', async () => {
    const { receipt, trust } = await makeReceipt();
    const empty = 'e30='; // {}
    for (const place of placesIn(receipt)) {
      for (const value of [null, 1, '', 'AAAA', empty, [], {}, 'x'.repeat(100_000)]) {
        const changed = withValue(receipt, place, value);
        if (JSON.stringify(changed) === JSON.stringify(receipt)) continue;
        const { outcome } = await verifyReceipt(bytesOf(changed), { trust });
        expect({ place: place.join('.'), value, outcome }).toEqual({
          place: place.join('.'),
          value,
          outcome: 'failed'
        });
      }
    }
  });

  it('marks an unattended approval', async () => {
    const { receipt, trust } = await makeReceipt({ approval: { unattended: true } });
    const verdict = await verifyReceipt(bytesOf(receipt), { trust });
    expect(verdict).toMatchObject({ outcome: 'verified', marks: { unattended: ['hospital'] } });
  });

  const other = digestOf(utf8('something else'));
  it.each<[string, Changes, ReceiptStepId]>([
    ['another image than the approved one', { approval: { image: other } }, 'approvals'],
    ['another spec than the approved one', { approval: { spec: other } }, 'approvals'],
    ['an approval that had ended', { approval: { expires: '2026-11-20T11:00:00Z' } }, 'approvals'],
    [
      'an unattended approval of real data',
      { approval: { unattended: true }, sealedFor: 'hardware' },
      'approvals'
    ],
    ['a purpose that the policy does not name', { spec: { purpose: 'Marketing' } }, 'terms'],
    ['a TEE rule that says no', { teeRule: "assertion.hwmodel == 'GCP_INTEL_TDX'" }, 'tee-rule'],
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
      'a variable that the operator set',
      { claims: payload => (payload.submods.container.env_override['LD_PRELOAD'] = '/x') },
      'token'
    ],
    ['a submitter who is no researcher', { submitterRoles: ['steward'] }, 'submitter'],
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
      'a reviewer who let nothing go',
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
      'another attempt than the keys were given to',
      { predicate: { attemptKey: `x25519:${'A'.repeat(43)}` } },
      'key-releases'
    ]
  ])('with %s fails at its step', async (_name, changes, step) => {
    const { receipt, trust } = await makeReceipt(changes);
    expect(await failedSteps(receipt, trust)).toContain(step);
  });

  it('put together from two runs fails', async () => {
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

  it('with something left out, added or damaged fails, and never throws', async () => {
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
      const verdict = await verifyReceipt(utf8(JSON.stringify(value)), { trust });
      expect(verdict.outcome).toBe('failed');
    }
    expect((await verifyReceipt(Uint8Array.of(1, 2, 3), { trust })).outcome).toBe('failed');
  });

  it('fails when it is judged at a moment at which it did not hold', async () => {
    const { receipt, trust } = await makeReceipt();
    const verdict = await verifyReceipt(bytesOf(receipt), { trust, at: new Date('2026-11-28T00:00:00Z') });
    expect(verdict.outcome).toBe('failed');
  });
});

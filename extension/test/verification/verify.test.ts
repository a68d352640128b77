import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateSigningKey, type Envelope } from '@clean-room/protocol/documents';
import { KernelImageRevocations, KernelImageStatement } from '@clean-room/protocol/kernel-images';
import type { TrustRoots } from '@clean-room/protocol/receipts';
import { nullTranslator } from '@jupyterlab/translation';
import { proofLines, proofSummary } from '../../src/verification/proof-lines.js';
import { verifyInBrowser } from '../../src/verification/verify.js';

const fixture = (name: string): string => readFileSync(join(__dirname, '../fixtures', name), 'utf8');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const trust = JSON.parse(fixture('trust.json')) as TrustRoots;
const trans = nullTranslator.load('clean_room');

/** The receipt of a real run of the demo notebook, in a simulated TEE. */
const receipt = fixture('receipt.json');

/** Changes one character in the middle of a part of the receipt. */
function withChanged(part: 'statement' | 'token' | 'spec'): Uint8Array {
  const parts = JSON.parse(receipt) as Record<string, string>;
  const text = parts[part] ?? '';
  const middle = Math.floor(text.length / 2);
  const other = text[middle] === 'A' ? 'B' : 'A';
  parts[part] = `${text.slice(0, middle)}${other}${text.slice(middle + 1)}`;
  return bytes(JSON.stringify(parts));
}

describe('verifyInBrowser', () => {
  it('verifies a receipt against the person’s trust roots', async () => {
    const { appraisal } = await verifyInBrowser(bytes(receipt), trust);
    expect(appraisal.steps.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(appraisal.outcome).toBe('verified');
    expect(appraisal.marks).toEqual({
      simulated: true,
      coHosted: ['hospital'],
      demo: ['hospital'],
      unattended: ['hospital'],
      operatorHosted: [],
      developmentKernelImage: true
    });
  });

  it('knows no signer without trust roots', async () => {
    expect((await verifyInBrowser(bytes(receipt), undefined)).appraisal.outcome).toBe('consistent');
  });

  it('does not verify a receipt against other trust roots', async () => {
    const others = { ...trust, parties: [], kernelImageSigners: [], tee: [] };
    expect((await verifyInBrowser(bytes(receipt), others)).appraisal.outcome).not.toBe('verified');
  });

  it.each(['statement', 'token', 'spec'] as const)('detects a changed %s', async part => {
    expect((await verifyInBrowser(withChanged(part), trust)).appraisal.outcome).toBe('failed');
  });

  it('fails for a kernel image that was revoked before the run, and refuses a list without a signature', async () => {
    const key = generateSigningKey();
    const { statement } = (JSON.parse(receipt) as { kernelImage: { statement: Envelope } }).kernelImage;
    const { digest } = KernelImageStatement.peek(statement).value;
    const entry = { digest, revokedAt: '2020-01-01T00:00:00Z', reason: 'A test' };
    const list = KernelImageRevocations.sign(
      {
        format: 'clean-room.kernel-image-revocations/v1',
        signer: key.publicKey,
        version: 1,
        entries: [entry]
      },
      key
    );
    const trusting = { ...trust, kernelImageSigners: [...trust.kernelImageSigners, key.publicKey] };
    const { appraisal } = await verifyInBrowser(bytes(receipt), trusting, [list]);
    expect(appraisal.steps.filter(({ status }) => status === 'fail')).toMatchObject([
      { id: 'kernel-image', detail: expect.stringContaining('revoked on 2020-01-01') }
    ]);
    const unsigned = { ...list, signatures: list.signatures.map(signature => ({ ...signature, sig: '' })) };
    await expect(verifyInBrowser(bytes(receipt), trusting, [unsigned])).rejects.toMatchObject({
      code: 'signature-invalid'
    });
  });

  it('returns a failed verification, and no error, for bytes that are not a receipt', async () => {
    const { appraisal, facts } = await verifyInBrowser(bytes('<html>'), trust);
    expect(appraisal.outcome).toBe('failed');
    expect(facts).toBeUndefined();
  });
});

describe('proofLines', () => {
  it('says in plain words what a receipt proves and what it does not', async () => {
    const verified = await verifyInBrowser(bytes(receipt), trust);
    expect(proofLines(verified, 'en', trans).map(({ status, text }) => `${status}: ${text}`)).toEqual([
      'pass: The notebook explore.ipynb ran, unchanged since it was submitted.',
      'pass: It used hospital/visits version 1. Purpose: Health research: cost of chronic illness.',
      expect.stringMatching(/^pass: Approved by Demo Hospital \(.+, Nov \d+, 2026, without a passkey\)\.$/),
      'not-proven: It ran on a simulated machine. No hardware protected the data.',
      'pass: It returned 5 outputs and no others. 1 output was suppressed.',
      expect.stringMatching(
        /^not-proven: Time: Nov \d+, 2026, .+, stated by the signer; not proven by the log\.$/
      ),
      'not-proven: Not proven: that the machine was not observed from outside (side channels, physical attacks).'
    ]);
    expect(proofSummary(verified.appraisal, trans)).toBe(
      'Verified. The time is not independently proven. SIMULATED: no hardware protected this run.'
    );
  });

  it('marks the lines that rest on signers that are not trusted', async () => {
    const verified = await verifyInBrowser(bytes(receipt), undefined);
    const unknown = proofLines(verified, 'en', trans).filter(({ status }) => status === 'unknown');
    expect(unknown.map(({ id }) => id)).toEqual(['program', 'approvals', 'outputs']);
  });

  it('never states as a fact what a failed check contradicts', async () => {
    const verified = await verifyInBrowser(withChanged('token'), trust);
    const texts = proofLines(verified, 'en', trans).map(({ text }) => text);
    expect(texts).toContain('It is not proven on which machine it ran.');
    expect(texts).toContain('It is not proven that these are the outputs.');
    expect(proofSummary(verified.appraisal, trans)).toBe('Not verified. Do not rely on this result.');
  });

  it('has only the limits of any proof when the receipt cannot be read', async () => {
    const verified = await verifyInBrowser(bytes('<html>'), trust);
    expect(proofLines(verified, 'en', trans).map(({ id }) => id)).toEqual(['limits']);
  });
});

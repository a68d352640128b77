import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrustRoots } from '../../../packages/protocol/src/receipts/receipt.js';
import { verifyHere } from '../../src/verification/verify.js';

const fixture = (name: string): string => readFileSync(join(__dirname, '../fixtures', name), 'utf8');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const trust = JSON.parse(fixture('trust.json')) as TrustRoots;

/** The receipt of a real run of the demo notebook, in a simulated TEE. */
const receipt = fixture('receipt.json');

describe('verifyHere', () => {
  it('verifies a receipt against the roots that the person believes', async () => {
    const verdict = await verifyHere(bytes(receipt), trust);
    expect(verdict.steps.filter(({ status }) => status === 'fail')).toEqual([]);
    expect(verdict.outcome).toBe('verified');
    expect(verdict.marks).toEqual({
      simulated: true,
      coHosted: ['hospital'],
      unattended: ['hospital'],
      operatorHosted: [],
      developmentKernelImage: true
    });
  });

  it('knows no signer without roots', async () => {
    expect((await verifyHere(bytes(receipt), undefined)).outcome).toBe('consistent');
  });

  it('believes none of the roots of somebody else', async () => {
    const stranger = { ...trust, parties: [], kernelImageSigners: [], tee: [] };
    expect((await verifyHere(bytes(receipt), stranger)).outcome).not.toBe('verified');
  });

  it.each(['statement', 'token', 'spec'] as const)('notices that its %s was exchanged', async part => {
    const parts = JSON.parse(receipt) as Record<string, string>;
    const text = parts[part] ?? '';
    const middle = Math.floor(text.length / 2);
    const other = text[middle] === 'A' ? 'B' : 'A';
    parts[part] = `${text.slice(0, middle)}${other}${text.slice(middle + 1)}`;
    expect((await verifyHere(bytes(JSON.stringify(parts)), trust)).outcome).toBe('failed');
  });

  it('calls what is no receipt failed, not broken', async () => {
    expect((await verifyHere(bytes('<html>'), trust)).outcome).toBe('failed');
  });
});

import { expect, test } from '@jest/globals';
import { verifyToken } from '../../src/attestation/verify.js';
import { makeChain, NOW, pinned, pkiHeader, productionPayload, signToken } from './support/authority.js';

test('without WebCrypto a token is not verified, and the error says so', async () => {
  const chain = makeChain();
  const token = signToken(pkiHeader(chain), productionPayload());
  const request = { profile: 'signature', at: NOW, trust: { pkiRoots: [pinned(chain[2])] } } as const;
  const original = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
  try {
    await expect(verifyToken(token, request)).rejects.toMatchObject({ code: 'unavailable' });
  } finally {
    if (original !== undefined) Object.defineProperty(globalThis, 'crypto', original);
  }
  expect((await verifyToken(token, request)).ok).toBe(true);
});

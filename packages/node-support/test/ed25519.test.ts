import { expect, test } from '@jest/globals';
import { nodeEd25519 } from '../src/index.js';

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'));

/** Test vector 2 of RFC 8032, section 7.1. */
const SECRET = hex('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb');
const PUBLIC_KEY = hex('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
const SIGNATURE = hex(
  '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
);

test('Ed25519 gives the key and signature of RFC 8032', () => {
  expect(nodeEd25519.publicKey(SECRET)).toEqual(PUBLIC_KEY);
  expect(nodeEd25519.sign(SECRET, hex('72'))).toEqual(SIGNATURE);
  expect(nodeEd25519.verify(PUBLIC_KEY, hex('72'), SIGNATURE)).toBe(true);
  expect(nodeEd25519.verify(PUBLIC_KEY, hex('73'), SIGNATURE)).toBe(false);
});

test.each([31, 33])('Ed25519 refuses a secret of %d bytes', length => {
  expect(() => nodeEd25519.sign(new Uint8Array(length), hex('72'))).toThrow(RangeError);
});

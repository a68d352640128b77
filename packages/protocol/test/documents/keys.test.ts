import { beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { nodeEd25519 } from '@clean-room/node-support';
import { utf8 } from '../../src/bytes/encoding.js';
import type { Ed25519Provider } from '../../src/documents/ed25519.js';
import type * as keysModule from '../../src/documents/keys.js';

type Keys = typeof keysModule;

function unsupported(): never {
  throw new Error('This platform has no Ed25519.');
}

const providers: Record<string, Ed25519Provider | undefined> = {
  'Node’s Ed25519': nodeEd25519,
  'the portable Ed25519': undefined,
  'a provider without Ed25519': { publicKey: unsupported, sign: unsupported, verify: unsupported },
  'a provider that refuses every signature': { ...nodeEd25519, verify: () => false }
};

/** Loads the module of keys, with a provider if there is one. */
async function keysWith(provider: Ed25519Provider | undefined): Promise<Keys> {
  jest.resetModules();
  const { useEd25519 } = await import('../../src/documents/ed25519.js');
  if (provider !== undefined) useEd25519(provider);
  return import('../../src/documents/keys.js');
}

const secret = Uint8Array.from({ length: 32 }, (_, index) => index);
const message = utf8('signed text');
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

describe.each(Object.keys(providers))('keys with %s', name => {
  let keys: Keys;
  beforeAll(async () => {
    keys = await keysWith(providers[name]);
  });

  it('give the keys and signatures of RFC 8032, section 7.1', () => {
    const key = keys.signingKey(
      hexToBytes('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')
    );
    expect(bytesToHex(keys.keyBytes(key.publicKey))).toBe(
      '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c'
    );
    expect(bytesToHex(keys.signBytes(key, hexToBytes('72')))).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00'
    );
  });

  it('accept a signature only for its own key and bytes', () => {
    const key = keys.signingKey(secret);
    const signature = keys.signBytes(key, message);
    expect(keys.verifyBytes(key.publicKey, message, signature)).toBe(true);
    expect(keys.verifyBytes(key.publicKey, utf8('other text'), signature)).toBe(false);
    expect(keys.verifyBytes(keys.generateSigningKey().publicKey, message, signature)).toBe(false);
    for (const index of [0, 31, 32, 63]) {
      const other = signature.map((byte, at) => (at === index ? byte ^ 1 : byte));
      expect(keys.verifyBytes(key.publicKey, message, other)).toBe(false);
    }
    expect(keys.verifyBytes(key.publicKey, message, signature.subarray(0, 63))).toBe(false);
    expect(keys.verifyBytes(key.publicKey, message, new Uint8Array())).toBe(false);
  });

  it('refuse another encoding of a valid signature', () => {
    const key = keys.signingKey(secret);
    const signature = keys.signBytes(key, message);
    let s = ORDER;
    for (let index = 31; index >= 0; index--) s += BigInt(signature[32 + index] ?? 0) << BigInt(8 * index);
    const other = signature.map((byte, at) =>
      at < 32 ? byte : Number((s >> BigInt(8 * (at - 32))) & 0xffn)
    );
    expect(keys.verifyBytes(key.publicKey, message, other)).toBe(false);
  });

  it.each(ED25519_TORSION_SUBGROUP)('refuse every signature by the key of small order %s', point => {
    const anyone = keys.publicKeyFromBytes(hexToBytes(point));
    for (const first of ED25519_TORSION_SUBGROUP) {
      const signature = Uint8Array.from([...hexToBytes(first), ...new Uint8Array(32)]);
      expect(keys.verifyBytes(anyone, message, signature)).toBe(false);
    }
  });

  it('refuse a signature by a key that is not a point of the curve', () => {
    const none = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 2 : 0));
    expect(() => ed25519.Point.fromBytes(none)).toThrow();
    const signature = keys.signBytes(keys.signingKey(secret), message);
    expect(keys.verifyBytes(keys.publicKeyFromBytes(none), message, signature)).toBe(false);
  });

  it.each([31, 33])('refuse a secret of %d bytes', bytes => {
    const other = new Uint8Array(bytes).fill(1);
    expect(() => keys.signingKey(other)).toThrow();
    expect(() => keys.signBytes({ ...keys.signingKey(secret), secret: other }, message)).toThrow();
  });
});

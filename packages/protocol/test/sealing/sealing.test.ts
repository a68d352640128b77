import { describe, expect, it } from '@jest/globals';
import { generateX25519Identity, identityToRecipient, Decrypter } from 'age-encryption';
import { openWith, openWithFileKey, sealTo } from '../../src/sealing/age.js';
import { openOutput, padContent, padmeSize, sealOutput, unpadContent } from '../../src/sealing/output.js';
import { utf8 } from '../../src/bytes/encoding.js';

const salt = new Uint8Array(32).fill(7);

/** Returns the file key of a layer, which its recipient finds by decrypting only the header. */
async function fileKeyOf(sealed: Uint8Array, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decryptHeader(headerOf(sealed));
}

function headerOf(sealed: Uint8Array): Uint8Array {
  const text = Buffer.from(sealed).toString('latin1');
  const end = text.indexOf('\n', text.indexOf('\n---') + 1) + 1;
  return sealed.subarray(0, end);
}

describe('padding', () => {
  it('adds 12 % at most and gives few different sizes', () => {
    for (const length of [41, 100, 1000, 4097, 65_537, 1_000_000]) {
      expect(padmeSize(length)).toBeGreaterThanOrEqual(length);
      expect(padmeSize(length)).toBeLessThanOrEqual(length * 1.12);
      expect(padmeSize(padmeSize(length))).toBe(padmeSize(length));
    }
    const sizes = new Set(Array.from({ length: 1000 }, (_, extra) => padmeSize(10_000 + extra)));
    expect(sizes.size).toBeLessThanOrEqual(6);
  });

  it.each([0, 1, 23, 24, 25, 1000, 70_000])('is removed again from %i bytes', length => {
    const content = new Uint8Array(length).fill(5);
    expect(unpadContent(padContent(content, salt))).toEqual(content);
  });

  it('is refused when it is not as the function writes it', () => {
    const padded = padContent(utf8('x'.repeat(1000)), salt);
    const dirty = padded.slice();
    dirty[dirty.length - 1] = 1;
    const lying = padded.slice();
    lying[33] = 1;
    for (const bytes of [
      dirty,
      lying,
      padded.slice(0, -1),
      padded.slice(0, 20),
      new Uint8Array([...padded, 0])
    ]) {
      expect(() => unpadContent(bytes)).toThrow(expect.objectContaining({ code: 'malformed' }));
    }
  });
});

describe('a sealed output', () => {
  it('opens only for its recipient', async () => {
    const identity = await generateX25519Identity();
    const sealed = await sealOutput(utf8('result'), [await identityToRecipient(identity)], []);
    expect(await openOutput(sealed.bytes, identity, [])).toEqual(utf8('result'));
    await expect(openOutput(sealed.bytes, await generateX25519Identity(), [])).rejects.toMatchObject({
      code: 'forbidden'
    });
  });

  it('has different bytes each time it is sealed', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const twice = [
      await sealOutput(utf8('x'), [recipient], []),
      await sealOutput(utf8('x'), [recipient], [])
    ];
    expect(twice[0]!.digest).not.toBe(twice[1]!.digest);
  });

  it('under review opens only with the layer keys of all custodians', async () => {
    const identity = await generateX25519Identity();
    const custodians = [await generateX25519Identity(), await generateX25519Identity()];
    const recipients = await Promise.all(custodians.map(identityToRecipient));
    const sealed = await sealOutput(utf8('result'), [await identityToRecipient(identity)], recipients);

    await expect(openWith(identity, sealed.bytes)).rejects.toMatchObject({ code: 'forbidden' });
    const outer = await fileKeyOf(sealed.bytes, custodians[1]!);
    await expect(openOutput(sealed.bytes, identity, [outer])).rejects.toMatchObject({ code: 'forbidden' });
    const inner = await fileKeyOf(await openWithFileKey(outer, sealed.bytes), custodians[0]!);
    expect(await openOutput(sealed.bytes, identity, [outer, inner])).toEqual(utf8('result'));
  });
});

describe('a file key', () => {
  it('opens only its own file, and only undamaged', async () => {
    const custodian = await generateX25519Identity();
    const recipient = await identityToRecipient(custodian);
    const [one, two] = [await sealTo([recipient], utf8('one')), await sealTo([recipient], utf8('two'))];
    const key = await fileKeyOf(one, custodian);
    expect(await openWithFileKey(key, one)).toEqual(utf8('one'));
    await expect(openWithFileKey(key, two)).rejects.toMatchObject({ code: 'key-release-refused' });
    const damaged = one.slice();
    damaged[damaged.length - 1]! ^= 1;
    await expect(openWithFileKey(key, damaged)).rejects.toMatchObject({ code: 'key-release-refused' });
  });
});

import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { ED25519_TORSION_SUBGROUP } from '@noble/curves/ed25519.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { toBase64, utf8 } from '../../src/bytes/encoding.js';
import { openEnvelope, signEnvelope, type Envelope } from '../../src/documents/dsse.js';
import { generateSigningKey, publicKeyFromBytes } from '../../src/documents/keys.js';
import { checkSignaturesAhead } from '../../src/documents/signatures-ahead.js';

const TYPE = 'application/vnd.clean-room.test.v1+json';
const key = generateSigningKey();
const signed = (text = '{}'): Envelope => signEnvelope(TYPE, utf8(text), [key]);
const open = (envelope: Envelope): Uint8Array => openEnvelope(envelope, TYPE, [key.publicKey]);

describe('signatures that are verified in advance', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  it('are accepted and refused as without it', async () => {
    const good = signed();
    const bad = { ...signed(), payload: toBase64(utf8('{"other":1}')) };
    const others = { ...signed(), payloadType: `${TYPE}2` };
    const [entry] = good.signatures;
    const stranger = { ...good, signatures: [{ ...entry!, keyid: generateSigningKey().publicKey }] };
    await checkSignaturesAhead([good, bad, others, stranger]);
    expect(open(good)).toEqual(utf8('{}'));
    expect(() => open(bad)).toThrow('not signed');
    expect(() => openEnvelope(others, `${TYPE}2`, [key.publicKey])).toThrow('not signed');
    expect(() => open(stranger)).toThrow('not signed');
  });

  it('count only for the envelope that was verified, which cannot change any more', async () => {
    const good = signed();
    await checkSignaturesAhead([good]);
    expect(() => Object.assign(good, { payload: toBase64(utf8('{"other":1}')) })).toThrow(TypeError);
    expect(() => open({ ...good, payload: toBase64(utf8('{"other":1}')) })).toThrow('not signed');
  });

  const smallOrder = ED25519_TORSION_SUBGROUP.map(hexToBytes);
  const otherSign = (point: Uint8Array) => point.map((byte, index) => (index === 31 ? byte ^ 0x80 : byte));
  const unreduced = Array.from({ length: 19 }, (_, y) =>
    Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 0xed + y : index === 31 ? 0x7f : 0xff))
  );

  it.each(
    [...smallOrder, ...unreduced]
      .flatMap(point => [point, otherSign(point)])
      .map(point => [bytesToHex(point)])
  )('are not accepted from WebCrypto for a key of small order or with another encoding: %s', async hex => {
    const anyone = publicKeyFromBytes(hexToBytes(hex));
    const sig = toBase64(Uint8Array.from([...hexToBytes(hex), ...new Uint8Array(32)]));
    const envelope = {
      payloadType: TYPE,
      payload: toBase64(utf8('{}')),
      signatures: [{ keyid: anyone, sig }]
    };
    // Some platforms accept such a signature.
    jest.spyOn(globalThis.crypto.subtle, 'verify').mockResolvedValue(true);
    await checkSignaturesAhead([envelope]);
    expect(() => openEnvelope(envelope, TYPE, [anyone])).toThrow('not signed');
  });

  it('are verified when the envelope is opened if the platform has no Ed25519', async () => {
    jest.spyOn(globalThis.crypto.subtle, 'importKey').mockRejectedValue(new Error('NotSupportedError'));
    const good = signed();
    await checkSignaturesAhead([good]);
    expect(open(good)).toEqual(utf8('{}'));
  });

  it('do not report a malformed envelope before it is opened', async () => {
    const broken = { ...signed(), payload: '%' };
    await checkSignaturesAhead([broken]);
    expect(() => open(broken)).toThrow('base64');
  });
});

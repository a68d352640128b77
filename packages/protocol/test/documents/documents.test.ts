import { describe, expect, it } from '@jest/globals';
import { utf8, fromUtf8 } from '../../src/bytes/encoding.js';
import { canonicalJson, parseCanonicalJson } from '../../src/documents/canonical.js';
import { openEnvelope, signEnvelope } from '../../src/documents/dsse.js';
import { fromTimestamp, toTimestamp } from '../../src/documents/fields.js';
import { parseStrictJson } from '../../src/documents/json.js';
import { generateSigningKey } from '../../src/documents/keys.js';
import { Roster } from '../../src/parties/roster.js';
import { makeWorld } from '../support/world.js';

describe('strict JSON', () => {
  it.each([
    ['a duplicate key', '{"a":1,"a":1}'],
    ['a duplicate key, indented', '{\n  "a": 1,\n  "a": 1\n}\n'],
    ['a duplicate key deep inside', '[{"b":{"a":1,"a":2}}]'],
    ['null, with a space before it', '{ "a":null}'],
    ['a fraction, with a space before it', '{ "a":1.5}'],
    ['a number beyond 2^53, with a space before it', ' 9007199254740993'],
    ['half of a surrogate pair, with a space before it', ' "\\ud800"'],
    ['half of a surrogate pair in a key', '{"\\ud800":1}'],
    ['half of a surrogate pair in a key, with a space before it', '{ "\\ud800":1}'],
    ['__proto__, with a space before it', '{ "__proto__":{}}'],
    ['a hundred thousand levels of nesting', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['a duplicate key, one of them escaped', '{"a":1,"\\u0061":2}'],
    ['null', '{"a":null}'],
    ['a fraction', '{"a":1.5}'],
    ['a number beyond 2^53', '9007199254740993'],
    ['minus zero', '-0'],
    ['half of a surrogate pair', '"\\ud800"'],
    ['__proto__', '{"__proto__":{}}'],
    ['a comment', '{} // done'],
    ['two documents', '{}{}'],
    ['a trailing comma', '[1,]'],
    ['65 levels of nesting', '['.repeat(66) + ']'.repeat(66)]
  ])('refuses %s', (_name, text) => {
    expect(() => parseStrictJson(utf8(text))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('refuses bytes that are not UTF-8, and a byte order mark', () => {
    expect(() => parseStrictJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(/UTF-8/);
    expect(() => parseStrictJson(utf8('\ufeff{}'))).toThrow(/strict JSON/);
  });

  const value = { b: [1, true, 'ü\n', -3, 1000], a: {}, 2: 'two', constructor: { toString: 'x' } };
  it.each([
    ['compact', JSON.stringify(value)],
    ['indented', `${JSON.stringify(value, null, 2)}\n`],
    ['spaced', JSON.stringify(value).replaceAll(',', ' , ')],
    ['escaped', '{"b":[1e0,true,"\\u00fc\\u000a",-3,1e3],"a":{},"2":"two","constructor":{"toString":"x"}}']
  ])('returns the same value as JSON.parse: %s', (_name, text) => {
    expect(parseStrictJson(utf8(text))).toEqual(value);
    expect(parseStrictJson(utf8(text))).toEqual(JSON.parse(text));
  });
});

describe('canonical JSON', () => {
  it('sorts keys by UTF-16 code units', () => {
    expect(fromUtf8(canonicalJson({ b: 1, a: { d: [], c: '€' } }))).toBe('{"a":{"c":"€","d":[]},"b":1}');
  });

  it.each(['{ "a":1}', '{"b":1,"a":2}', '{"a":"\\u0062"}', '{"a":1e0}'])(
    'refuses the non-canonical form %s',
    text => {
      expect(() => parseCanonicalJson(utf8(text))).toThrow(/canonical/);
    }
  );
});

describe('an envelope', () => {
  const payload = utf8('{"n":1}');
  const [ours, theirs] = [generateSigningKey(), generateSigningKey()];

  it('opens only for the keys that signed it', () => {
    const envelope = signEnvelope('type/x', payload, [ours, theirs]);
    expect(openEnvelope(envelope, 'type/x', [ours.publicKey, theirs.publicKey])).toEqual(payload);
    expect(() => openEnvelope(envelope, 'type/x', [generateSigningKey().publicKey])).toThrow(/not signed/);
  });

  it('is refused when one of the expected signatures is missing', () => {
    const envelope = signEnvelope('type/x', payload, [ours]);
    expect(() => openEnvelope(envelope, 'type/x', [ours.publicKey, theirs.publicKey])).toThrow(/not signed/);
  });

  it('is refused when payload, type or signature was changed', () => {
    const envelope = signEnvelope('type/x', payload, [ours]);
    const flipped = signEnvelope('type/y', payload, [ours]).signatures;
    expect(() =>
      openEnvelope({ ...envelope, payload: btoa('{"n":2}') }, 'type/x', [ours.publicKey])
    ).toThrow();
    expect(() => openEnvelope({ ...envelope, signatures: flipped }, 'type/x', [ours.publicKey])).toThrow();
    expect(() => openEnvelope(envelope, 'type/y', [ours.publicKey])).toThrow(/type\/y was expected/);
  });
});

describe('a document', () => {
  const { rosterValue, keys } = makeWorld();

  it('has the digest of the bytes that were signed, in canonical form or not', () => {
    const loose = utf8(JSON.stringify(rosterValue, null, 2));
    const envelope = signEnvelope(Roster.payloadType, loose, [keys.hospital]);
    const read = Roster.open(envelope, keys.hospital.publicKey);
    expect(read.value).toEqual(rosterValue);
    expect(read.bytes).toEqual(loose);
    expect(read.digest).not.toBe(Roster.read(Roster.write(rosterValue)).digest);
  });

  it('is refused with an unknown field', () => {
    expect(() => Roster.read(canonicalJson({ ...rosterValue, admin: true }))).toThrow(/form/);
  });

  it('is refused with a code of its own when its version is newer', () => {
    const next = canonicalJson({ ...rosterValue, format: 'clean-room.roster/v2' });
    expect(() => Roster.read(next)).toThrow(expect.objectContaining({ code: 'unsupported-version' }));
  });

  it('is not written with a value that could not be read', () => {
    expect(() => Roster.write({ ...rosterValue, party: 'No Such Name' })).toThrow(/form/);
  });
});

describe('a timestamp', () => {
  it('is in UTC to the second, and its date must exist', () => {
    expect(fromTimestamp('2026-11-20T12:04:00Z').getTime()).toBe(Date.UTC(2026, 10, 20, 12, 4));
    expect(toTimestamp(new Date(1763640240999))).toBe('2025-11-20T12:04:00Z');
    expect(() => fromTimestamp('2026-02-31T00:00:00Z')).toThrow(/not a valid time/);
    expect(() => fromTimestamp('2026-13-01T00:00:00Z')).toThrow(/not a valid time/);
  });
});

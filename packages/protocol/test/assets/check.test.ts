import { checkAssetVersion, checkTableSchema } from '../../src/assets/check.js';
import type { Column } from '../../src/assets/column.js';
import { isFormat } from '../../src/assets/format.js';
import type { StandInPrivacy } from '../../src/assets/asset.js';
import { makeWorld } from '../support/world.js';
import { describe, expect, it } from '@jest/globals';

const TIMESTAMP = { type: 'timestamp', zoned: true, unit: 'microsecond' } as const;
const NAIVE = { type: 'timestamp', zoned: false, unit: 'nanosecond' } as const;
const DECIMAL = { type: 'decimal', precision: 10, scale: 2 } as const;

function check(...columns: readonly (Partial<Column> & Pick<Column, 'type'>)[]): void {
  checkTableSchema({
    columns: columns.map((column, index) => ({ name: `c${index}`, nullable: true, ...column }))
  });
}

describe('a table schema', () => {
  it.each<Partial<Column> & Pick<Column, 'type'>>([
    { type: 'integer', minimum: '-9223372036854775808', maximum: '9223372036854775807' },
    { type: 'integer', categories: ['-1', '0', '10'] },
    { ...DECIMAL, minimum: '-99999999.99', maximum: '0.5' },
    { type: 'decimal', precision: 38, scale: 38, maximum: '0.' + '9'.repeat(38) },
    { type: 'number', minimum: '-0.5', maximum: '1'.repeat(40), decimals: 2 },
    { type: 'boolean', categories: ['true'] },
    { type: 'text', categories: ['', 'Å', 'a b'] },
    { type: 'text', format: 'P\\d{6}' },
    { type: 'date', minimum: '0001-01-01', maximum: '9999-12-31' },
    { type: 'time', minimum: '00:00:00', maximum: '23:59:59.999999' },
    { ...TIMESTAMP, minimum: '2020-01-01T00:00:00Z', maximum: '2020-01-01T00:00:00.000001Z' },
    { ...NAIVE, minimum: '1677-09-21T00:12:43.145224193', maximum: '2262-04-11T23:47:16.854775807' },
    { type: 'uuid', role: 'identifier' }
  ])('accepts %j', column => {
    expect(() => check(column)).not.toThrow();
  });

  it.each<[Partial<Column> & Pick<Column, 'type'>, RegExp]>([
    [{ type: 'integer', name: 'c0' }, /used twice/],
    [{ type: 'decimal', precision: 10 }, /precision and a scale/],
    [{ type: 'number', scale: 2 }, /only decimal/i],
    [{ type: 'decimal', precision: 2, scale: 3 }, /larger than the precision/],
    [{ type: 'timestamp', zoned: true }, /zoned, and its unit/],
    [{ type: 'date', unit: 'microsecond' }, /only timestamp/i],
    [{ type: 'timestamp', zoned: true, unit: 'nanosecond' }, /unit microsecond/],
    [{ ...DECIMAL, decimals: 2 }, /only number/i],
    [{ type: 'text', minimum: '1' }, /no minimum/],
    [{ type: 'uuid', maximum: '1' }, /no minimum/],
    [{ type: 'integer', minimum: '1.5' }, /minimum 1.5/],
    [{ type: 'integer', maximum: '9223372036854775808' }, /maximum 9223372036854775808/],
    [{ ...DECIMAL, maximum: '100000000' }, /maximum/],
    [{ ...DECIMAL, maximum: '0.125' }, /maximum/],
    [{ type: 'date', minimum: '2023-02-29' }, /minimum/],
    [{ type: 'date', minimum: '0000-01-01' }, /minimum/],
    [{ type: 'date', minimum: '2023-02-01T00:00:00' }, /minimum/],
    [{ type: 'time', maximum: '24:00:00' }, /maximum/],
    [{ ...TIMESTAMP, minimum: '2020-01-01T00:00:00' }, /minimum/],
    [{ ...TIMESTAMP, minimum: '2020-01-01T00:00:00.0000001Z' }, /minimum/],
    [{ ...NAIVE, minimum: '2020-01-01T00:00:00Z' }, /minimum/],
    [{ ...NAIVE, maximum: '2262-04-11T23:47:16.854775808' }, /maximum/],
    [{ type: 'integer', minimum: '10', maximum: '9' }, /larger than the maximum/],
    [{ type: 'number', minimum: '0.10000000000000000001', maximum: '0.1' }, /larger than the maximum/],
    [{ type: 'time', minimum: '12:00:00.5', maximum: '12:00:00.05' }, /larger than the maximum/],
    [{ ...DECIMAL, categories: ['1'] }, /no categories/],
    [{ type: 'integer', categories: ['01'] }, /category "01"/],
    [{ type: 'boolean', categories: ['yes'] }, /category "yes"/],
    [{ type: 'text', categories: ['a', 'a'] }, /twice/],
    [{ type: 'integer', format: '\\d' }, /only text/i],
    [{ type: 'text', format: '.*' }, /format/],
    [{ type: 'text', format: '\\d', categories: ['1'] }, /not both/]
  ])('refuses %j and names the column', (column, message) => {
    const refused = (): void => check({ type: 'boolean' }, column);
    expect(refused).toThrow(message);
    expect(refused).toThrow(column.name === undefined ? /^Column "c1": / : /^Column "c0": /);
  });
});

describe('a format', () => {
  it.each([
    'P\\d{6}',
    '[A-Z]{2}-\\d{2,8}',
    '[a-z0-9._]{3,12}@[a-z]{3}\\.[a-z]{2}',
    '\\(\\d{3}\\) \\d{4}',
    '\\+49 \\d{10}',
    '[Α-Ω\\d]{1,200}',
    'Zürich'
  ])('can be %s', format => {
    expect(isFormat(format)).toBe(true);
    expect(() => new RegExp(`^(?:${format})$`, 'u')).not.toThrow();
  });

  it.each([
    '',
    'a+',
    'a*',
    '.',
    '(a)',
    'a|b',
    '^a',
    '[^a]',
    '[z-a]',
    '[]',
    'a{0}',
    'a{3,2}',
    'a{201}',
    '\\w',
    '\\',
    '{2}',
    '[a'
  ])('cannot be %j', format => {
    expect(isFormat(format)).toBe(false);
  });
});

describe('an asset version', () => {
  const { asset } = makeWorld();
  const version = asset.value;
  const privacy: StandInPrivacy = {
    epsilon: '1',
    delta: '0.000000001',
    unit: 'person',
    rowsPerPerson: 3,
    mechanism: 'tree/v1',
    target: 'age',
    modelled: ['age'],
    expectedError: { oneWay: '0.01', twoWay: '0.05' }
  };
  const standIn = { ...version.standIn, kind: 'synthetic' as const, privacy };

  it('states the privacy of a synthetic stand-in', () => {
    expect(() => checkAssetVersion({ ...version, standIn })).not.toThrow();
    expect(() => checkAssetVersion(version)).not.toThrow();
  });

  it.each([
    ['a synthetic stand-in without privacy', { ...version.standIn, kind: 'synthetic' as const }],
    ['a random stand-in with privacy', { ...standIn, kind: 'random' as const }],
    ['rows per person for rows', { ...standIn, privacy: { ...privacy, unit: 'row' as const } }],
    ['an unknown target', { ...standIn, privacy: { ...privacy, target: 'weight' } }],
    ['a negative ε', { ...standIn, privacy: { ...privacy, epsilon: '-1' } }],
    ['δ = 1', { ...standIn, privacy: { ...privacy, delta: '1' } }]
  ])('is refused with %s', (_, refused) => {
    expect(() => checkAssetVersion({ ...version, standIn: refused })).toThrow(/stand-in of hospital\/visits/);
  });
});

import { describe, expect, it } from '@jest/globals';
import type { Column } from '@clean-room/protocol/assets';
import { schemaChanges } from '../../src/provisioning/schema-changes.js';

const age: Column = { name: 'age', type: 'integer', nullable: false, minimum: '0', maximum: '100' };
const city: Column = { name: 'city', type: 'text', nullable: false, categories: ['Aachen', 'Bonn'] };
const paid: Column = { name: 'paid', type: 'decimal', nullable: true, precision: 10, scale: 2 };

const changes = (before: Column[], after: Column[]) => schemaChanges({ columns: before }, { columns: after });

describe('the changes of a new version', () => {
  it('are none for the same schema', () => {
    expect(changes([age, city, paid], [age, city, paid])).toEqual([]);
  });

  it.each<[string, Column[], Column[], string, string, boolean]>([
    ['a new column', [age], [age, city], 'city', 'new', false],
    ['a removed column', [age, city], [age], 'city', 'removed', true],
    ['another type', [age], [{ ...age, type: 'number' }], 'age', 'integer → number', true],
    ['more digits', [paid], [{ ...paid, scale: 4 }], 'paid', 'decimal(10, 2) → decimal(10, 4)', true],
    [
      'values that can be missing',
      [age],
      [{ ...age, nullable: true }],
      'age',
      'values can now be missing',
      true
    ],
    [
      'no missing values',
      [paid],
      [{ ...paid, nullable: false }],
      'paid',
      'values are no longer missing',
      false
    ],
    [
      'a category more',
      [city],
      [{ ...city, categories: ['Aachen', 'Bonn', 'Celle'] }],
      'city',
      'new categories: Celle',
      true
    ],
    [
      'a category less',
      [city],
      [{ ...city, categories: ['Bonn'] }],
      'city',
      'categories that no longer occur: Aachen',
      false
    ],
    ['other bounds', [age], [{ ...age, maximum: '120' }], 'age', 'maximum 100 → 120', false],
    [
      'another role',
      [age],
      [{ ...age, role: 'quasi-identifier' }],
      'age',
      'role none → quasi-identifier',
      false
    ]
  ])('name %s', (_what, before, after, column, change, breaking) => {
    expect(changes(before, after)).toEqual([{ column, change, breaking }]);
  });
});

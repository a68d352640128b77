import { nullTranslator } from '@jupyterlab/translation';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { AssetVersion, Column, StandInPrivacy } from '@clean-room/protocol/assets';
import type { Policy } from '@clean-room/protocol/policies';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import type { Asset } from '../../src/api/types.js';
import { columnRole, columnType, columnValues } from '../../src/datasets/column-text.js';
import { DatasetDetails } from '../../src/datasets/details.js';
import { publishedAsset } from '../support/assets.js';

const trans = nullTranslator.load('clean_room');

const PRIVACY: StandInPrivacy = {
  epsilon: '1',
  delta: '0.000000001',
  unit: 'person',
  rowsPerPerson: 3,
  mechanism: 'tree/v1',
  target: 'cost',
  modelled: ['age', 'cost'],
  expectedError: { oneWay: '0.011', twoWay: '0.05' }
};

/** Returns the content of a signed document. */
function contentOf<Value>({ payload }: { readonly payload: string }): Value {
  return JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as Value;
}

function assetWith(changes: Partial<AssetVersion>): Asset {
  const published = publishedAsset() as unknown as Omit<Asset, 'version' | 'policy'> &
    Record<'version' | 'policy', { readonly payload: string }>;
  return {
    ...published,
    version: { ...contentOf<AssetVersion>(published.version), ...changes },
    policy: contentOf<Policy>(published.policy)
  };
}

/** Returns the text that people see. */
async function textOf(asset: Asset): Promise<string> {
  const titleOf = (): string => 'The Hospital';
  const widget = ReactWidget.create(
    React.createElement(DatasetDetails, { asset, titleOf, language: 'en', trans })
  );
  Widget.attach(widget, document.body);
  await widget.renderPromise;
  for (let turn = 0; turn < 100 && widget.node.textContent === ''; turn++) {
    await new Promise(resolve => setTimeout(resolve, 10));
  }
  const text = [...widget.node.querySelectorAll('p, li, summary, td, th')]
    .map(({ textContent }) => textContent)
    .join('\n');
  widget.dispose();
  return text;
}

describe('a dataset', () => {
  it('says how good a synthetic stand-in is, and how private', async () => {
    const { version } = assetWith({});
    const standIn = { ...version.standIn, kind: 'synthetic' as const, privacy: PRIVACY };
    const text = await textOf(assetWith({ standIn, rows: { about: 20_000, source: 'noisy' } }));
    for (const part of [
      'About 20,000 rows (noisy)',
      'Stand-in data: synthetic, ε = 1, 1,000 rows',
      'good for tables, fair for models',
      'ε = 1, δ = 1e-9',
      'at most 3 rows each',
      'tree/v1',
      'Made for models of cost',
      'age, cost',
      '1.1% of the rows in tables of one column, 5% in tables of two'
    ]) {
      expect(text).toContain(part);
    }
  });

  it('says that a random stand-in is not for results', async () => {
    const text = await textOf(assetWith({}));
    expect(text).toContain('not for results');
    expect(text).not.toContain('Differentially private');
    expect(text).not.toContain('About');
  });

  it('shows columns with their descriptions, types, values and roles', async () => {
    const columns: Column[] = [
      {
        name: 'cost',
        type: 'decimal',
        precision: 10,
        scale: 2,
        nullable: true,
        description: 'In euros',
        role: 'sensitive',
        minimum: '0',
        maximum: '99.5'
      }
    ];
    const text = await textOf(assetWith({ table: { columns } }));
    for (const part of [
      '1 column',
      'In euros',
      'decimal (10, 2)',
      '0 to 99.5',
      'may be missing',
      'sensitive'
    ]) {
      expect(text).toContain(part);
    }
  });

  it('shows purposes, rules and versions', async () => {
    const text = await textOf(assetWith({}));
    for (const part of [
      'Health research',
      'At most 50 outputs per run',
      'These rules are set by The Hospital.',
      'Version 3 of the data, version 1 of the rules'
    ]) {
      expect(text).toContain(part);
    }
  });
});

describe('a column in words', () => {
  const plain = { name: 'c', nullable: false };

  it.each<[Partial<Column> & Pick<Column, 'type'>, string]>([
    [{ type: 'integer' }, 'whole number'],
    [{ type: 'decimal', precision: 38, scale: 0 }, 'decimal (38, 0)'],
    [{ type: 'boolean' }, 'true or false'],
    [{ type: 'time' }, 'time'],
    [{ type: 'timestamp', zoned: true, unit: 'microsecond' }, 'timestamp (UTC)'],
    [{ type: 'timestamp', zoned: false, unit: 'microsecond' }, 'timestamp (no zone)'],
    [{ type: 'timestamp', zoned: false, unit: 'nanosecond' }, 'timestamp (no zone, nanoseconds)'],
    [{ type: 'uuid' }, 'UUID']
  ])('has the type of %j', (column, text) => {
    expect(columnType({ ...plain, ...column }, trans)).toBe(text);
  });

  it.each<[Partial<Column> & Pick<Column, 'type'>, string | undefined]>([
    [{ type: 'integer', minimum: '0' }, 'from 0'],
    [{ type: 'integer', maximum: '120' }, 'up to 120'],
    [{ type: 'date', minimum: '2020-01-01', maximum: '2021-01-01' }, '2020-01-01 to 2021-01-01'],
    [{ type: 'text', categories: ['b', 'a'] }, 'b, a'],
    [{ type: 'text', categories: ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] }, 'a, b, c, d, e, f, and 2 more'],
    [{ type: 'text', format: 'P\\d{6}' }, 'in the format P\\d{6}'],
    [{ type: 'text' }, undefined]
  ])('has the values of %j', (column, text) => {
    expect(columnValues({ ...plain, ...column }, trans)).toBe(text);
  });

  it('has a role that people understand', () => {
    const role = (value: Column['role']): string | undefined =>
      columnRole({ ...plain, type: 'text', ...(value !== undefined && { role: value }) }, trans);
    expect(role('identifier')).toBe('identifies people');
    expect(role('quasi-identifier')).toBe('identifies people together with other columns');
    expect(role('sensitive')).toBe('sensitive');
    expect(role(undefined)).toBeUndefined();
  });
});

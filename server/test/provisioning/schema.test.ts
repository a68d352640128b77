import { inspectTable } from '../../src/provisioning/inspect.js';
import { withSchema } from '../../src/provisioning/schema/declared.js';
import { readSchemaFile } from '../../src/provisioning/schema/schema-file.js';
import { randomStandIn } from '../../src/provisioning/stand-in/random-table.js';
import { csv, parquetOf, readParquet, repeat, TableFolder } from './support/tables.js';

const folder = new TableFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

const ROWS = 200;
const rows = (value: (row: number) => string): string[] =>
  Array.from({ length: ROWS }, (_, row) => value(row));
const VISITS = {
  patient_id: rows(row => `P${String(7_700_000 + row * 13)}`),
  surname: rows(row => `Zyxw${row}berg`),
  age: rows(row => String(20 + ((row * 7) % 61))),
  cost: rows(row => (row * 13.37 + 0.11).toFixed(2)),
  city: repeat(['Aachen', 'Bremen'], ROWS / 2),
  children: repeat(['0', '1', '2', '3'], ROWS / 4),
  admitted: rows(row => `2026-0${(row % 9) + 1}-1${row % 10}`),
  seen: rows(row => `2026-0${(row % 9) + 1}-1${row % 10} 0${row % 10}:15:00`),
  clock: rows(row => `0${row % 9}:15:00`),
  diagnosis: repeat(['flu', 'cold'], ROWS / 2),
  mail: rows(row => `p.${row}@example.org`),
  ward: rows(row => (row < 2 ? 'isolation' : 'general')),
  note: rows(row => (row % 5 === 0 ? '' : `"free text, number ${row}"`))
};

describe('an inferred schema', () => {
  it('contains types, rounded bounds, categories, roles and formats', async () => {
    const {
      schema,
      suggestions,
      rows: count
    } = await inspectTable([await folder.write('visits.csv', csv(VISITS))]);
    expect(count).toBe(ROWS);
    expect(schema.columns).toEqual([
      { name: 'patient_id', type: 'text', nullable: false, role: 'identifier', format: 'P\\d{7}' },
      {
        name: 'surname',
        type: 'text',
        nullable: false,
        role: 'identifier',
        format: '[A-Z][a-z]{3}\\d{1,3}[a-z]{4}'
      },
      {
        name: 'age',
        type: 'integer',
        nullable: false,
        role: 'quasi-identifier',
        minimum: '20',
        maximum: '80'
      },
      { name: 'cost', type: 'number', nullable: false, minimum: '0', maximum: '3000', decimals: 2 },
      {
        name: 'city',
        type: 'text',
        nullable: false,
        role: 'quasi-identifier',
        categories: ['Aachen', 'Bremen']
      },
      { name: 'children', type: 'integer', nullable: false, categories: ['0', '1', '2', '3'] },
      {
        ...{ name: 'admitted', type: 'date', nullable: false, role: 'quasi-identifier' },
        ...{ minimum: '2026-01-01', maximum: '2026-12-31' }
      },
      {
        ...{ name: 'seen', type: 'timestamp', zoned: false, unit: 'microsecond', nullable: false },
        ...{ minimum: '2026-01-01T00:00:00', maximum: '2027-01-01T00:00:00' }
      },
      { name: 'clock', type: 'time', nullable: false, minimum: '00:00:00', maximum: '09:00:00' },
      { name: 'diagnosis', type: 'text', nullable: false, role: 'sensitive', categories: ['cold', 'flu'] },
      {
        ...{ name: 'mail', type: 'text', nullable: false, role: 'identifier' },
        format: '[a-z]{3,8}\\.[a-z]{3,8}@[a-z]{4,10}\\.org'
      },
      { name: 'ward', type: 'text', nullable: false },
      {
        name: 'note',
        type: 'text',
        nullable: true,
        role: 'identifier',
        format: '[a-z]{4} [a-z]{4}, [a-z]{6} \\d{1,3}'
      }
    ]);
    expect(suggestions).toContainEqual({
      column: 'note',
      text: 'suggested as an identifier: nearly every row has a different value'
    });
  });
});

describe('a declared schema', () => {
  it('decides types and columns, and its violations are counted with their place', async () => {
    const file = await folder.write(
      'declared.csv',
      csv({ code: repeat(['1', '2', '77'], 10), x: repeat(['1', '5', '9'], 10) })
    );
    const inspection = await inspectTable([file]);
    const declared = withSchema(inspection, { columns: [{ name: 'code', type: 'text', nullable: false }] });
    const written = await readParquet(folder, await parquetOf(declared));
    expect(written.types).toEqual({ code: 'VARCHAR' });
    expect(written.rows[2]).toEqual(['77']);
    const narrow = withSchema(inspection, {
      columns: [{ name: 'x', type: 'integer', nullable: false, minimum: '0', maximum: '5' }]
    });
    await expect(parquetOf(narrow)).rejects.toMatchObject({
      code: 'malformed',
      message:
        'The schema does not fit the data: in column "x" 10 values are outside the declared bounds. The first: declared.csv, line 4.'
    });
    expect(() => withSchema(inspection, { columns: [{ name: 'y', type: 'text', nullable: true }] })).toThrow(
      /"y" that the data does not have/
    );
  });
});

describe('a random stand-in', () => {
  const schema = {
    columns: [
      { name: 'id', type: 'text' as const, nullable: false, role: 'identifier' as const, format: 'P\\d{6}' },
      { name: 'key', type: 'uuid' as const, nullable: false },
      { name: 'day', type: 'date' as const, nullable: false, minimum: '2020-01-01', maximum: '2020-01-31' },
      { name: 'clock', type: 'time' as const, nullable: false, minimum: '08:00:00', maximum: '09:00:00' },
      {
        ...{
          name: 'at',
          type: 'timestamp' as const,
          nullable: false,
          zoned: true,
          unit: 'microsecond' as const
        },
        ...{ minimum: '2020-01-01T00:00:00Z', maximum: '2020-01-02T00:00:00Z' }
      },
      { name: 'ns', type: 'timestamp' as const, nullable: false, zoned: false, unit: 'nanosecond' as const },
      {
        ...{ name: 'price', type: 'decimal' as const, nullable: false, precision: 38, scale: 10 },
        ...{ minimum: '0.5', maximum: '1' }
      },
      {
        name: 'big',
        type: 'integer' as const,
        nullable: false,
        minimum: '9007199254740993',
        maximum: '9007199254740999'
      },
      { name: 'count', type: 'integer' as const, nullable: true, categories: ['1', '7'] },
      { name: 'flag', type: 'boolean' as const, nullable: false },
      { name: 'x', type: 'number' as const, nullable: false, minimum: '-1.5', maximum: '1.5', decimals: 3 }
    ]
  };

  it('has the types, bounds, categories and formats of its schema, and equal bytes for equal schemas', async () => {
    const bytes = await randomStandIn(schema);
    expect(Buffer.from(await randomStandIn(schema)).equals(Buffer.from(bytes))).toBe(true);
    const { types, rows: values } = await readParquet(folder, bytes);
    expect(types).toEqual({
      id: 'VARCHAR',
      key: 'UUID',
      day: 'DATE',
      clock: 'TIME',
      at: 'TIMESTAMP WITH TIME ZONE',
      ns: 'TIMESTAMP_NS',
      price: 'DECIMAL(38,10)',
      big: 'BIGINT',
      count: 'BIGINT',
      flag: 'BOOLEAN',
      x: 'DOUBLE'
    });
    expect(values).toHaveLength(1000);
    const all = (column: number): string[] => values.map(row => row[column] ?? 'none');
    expect(all(0).every(text => /^P\d{6}$/.test(text))).toBe(true);
    expect(new Set(all(0)).size).toBe(1000);
    expect(all(2).every(text => text.startsWith('2020-01-'))).toBe(true);
    expect(all(3).every(text => text.startsWith('08:') || text === '09:00:00')).toBe(true);
    expect(all(6).every(text => Number(text) >= 0.5 && Number(text) <= 1)).toBe(true);
    expect(new Set(all(7)).size).toBe(7);
    expect(new Set(all(8))).toEqual(new Set(['1', '7', 'none']));
  });
});

describe('a schema file', () => {
  const read = (text: string) => readSchemaFile(new TextEncoder().encode(text));

  it('may be YAML, and carries dialect and answers', () => {
    const { schema, dialect, conventions, answers, description } = read(
      [
        'description: Visits',
        'dialect: { delimiter: ";" }',
        'conventions: { dates: dmy }',
        'answers: { "missing:age": missing }',
        'columns:',
        '  - { name: age, type: integer, nullable: true, minimum: "0", maximum: "120" }'
      ].join('\n')
    );
    expect({ dialect, conventions, answers, description }).toEqual({
      dialect: { delimiter: ';' },
      conventions: { dates: 'dmy' },
      answers: { 'missing:age': 'missing' },
      description: 'Visits'
    });
    expect(schema?.columns[0]?.maximum).toBe('120');
  });

  it.each([
    [
      'a column that is listed twice',
      [
        { name: 'a', type: 'text' },
        { name: 'a', type: 'text' }
      ],
      /twice/
    ],
    [
      'bounds in the wrong order',
      [{ name: 'a', type: 'integer', minimum: '2', maximum: '1' }],
      /minimum .* is larger than the maximum/
    ],
    [
      'dates in the wrong order',
      [{ name: 'a', type: 'date', minimum: '2021-01-01', maximum: '2020-01-01' }],
      /minimum .* is larger than the maximum/
    ],
    ['bounds of a text column', [{ name: 'a', type: 'text', minimum: '1' }], /no minimum or maximum/],
    ['a bound of another type', [{ name: 'a', type: 'date', minimum: '1' }], /not a value of the type date/],
    ['a decimal without a scale', [{ name: 'a', type: 'decimal' }], /a precision and a scale/],
    ['a timestamp without a unit', [{ name: 'a', type: 'timestamp' }], /zoned, and its unit/],
    ['a format that is not one', [{ name: 'a', type: 'text', format: '(a|b)+' }], /format/],
    ['an unknown column type', [{ name: 'a', type: 'json' }], /expected form/]
  ])('with %s is refused', (_description, columns, message) => {
    const text = JSON.stringify({ columns: columns.map(column => ({ nullable: false, ...column })) });
    expect(() => read(text)).toThrow(message);
  });

  it('that is neither YAML nor JSON is refused', () => {
    expect(() => read('columns: [')).toThrow(/neither YAML nor JSON/);
    expect(() => read('a: &a [*a, *a]')).toThrow(/neither YAML nor JSON/);
  });
});

describe('columns whose names differ only in case', () => {
  it('are refused, because they would be renamed when they are written', async () => {
    const file = await folder.write('case.csv', csv({ Code: ['1', '2'], code: ['3', '4'] }));
    await expect(inspectTable([file]).then(parquetOf)).rejects.toMatchObject({
      code: 'malformed',
      message: 'The columns "Code" and "code" differ only in case.'
    });
  });
});

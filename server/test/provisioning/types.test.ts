import { inspectTable } from '../../src/provisioning/inspect.js';
import { convert, csv, repeat, TableFolder } from './support/tables.js';

const folder = new TableFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

const ROWS = 30;
const rows = (value: (row: number) => string): string[] =>
  Array.from({ length: ROWS }, (_, row) => value(row));

describe('values of a CSV file keep their type to the last unit', () => {
  const columns = {
    big: rows(row => String(4_611_686_018_427_387_000n + BigInt(row))),
    twenty: rows(row => `184467440737095516${10 + row}`),
    padded: rows(row => `  ${row}`),
    amount: rows(row => `${row}.10`),
    long: rows(row => `0.123456789012345678${10 + row}`),
    large: rows(row => (row === 3 ? '1e21' : row === 4 ? 'Inf' : row === 5 ? '-inf' : `${row}.5e+10`)),
    flag: rows(row => (row % 2 === 0 ? 'TRUE' : 'FALSE')),
    day: rows(row => `2024-02-${String((row % 29) + 1).padStart(2, '0')}`),
    clock: rows(row => `12:00:${String(row).padStart(2, '0')}.5`),
    local: rows(row => `2021-03-01 12:00:00.1234${10 + row}`),
    nano: rows(row => `2021-03-01T12:00:00.1234567${10 + row}`),
    zoned: rows(row => `2021-03-01T12:00:${String(row).padStart(2, '0')}+02:00`),
    key: rows(row => `123e4567-e89b-12d3-a456-4266141740${10 + row}`),
    word: rows(row => (row === 0 ? '""' : row === 1 ? '' : `"a ""b"", ${row}\nc"`)),
    german: rows(row => `${row + 1}.12.2020`),
    american: rows(row => `12/${row + 1}/2020`)
  };
  let written: Awaited<ReturnType<typeof convert>>;

  beforeAll(async () => {
    const file = await folder.write('types.csv', csv(columns));
    written = await convert(folder, [file]);
  });

  const column = (name: string): (string | null)[] => {
    const position = Object.keys(columns).indexOf(name);
    return written.rows.map(row => row[position] ?? null);
  };

  it('has types that lose nothing', () => {
    expect(written.inspection.questions).toEqual([]);
    expect(written.types).toEqual({
      big: 'BIGINT',
      twenty: 'DECIMAL(38,0)',
      padded: 'BIGINT',
      amount: 'DOUBLE',
      long: 'DECIMAL(38,20)',
      large: 'DOUBLE',
      flag: 'BOOLEAN',
      day: 'DATE',
      clock: 'TIME',
      local: 'TIMESTAMP',
      nano: 'TIMESTAMP_NS',
      zoned: 'TIMESTAMP WITH TIME ZONE',
      key: 'UUID',
      word: 'VARCHAR',
      german: 'DATE',
      american: 'DATE'
    });
  });

  it('has the same values', () => {
    for (const name of ['big', 'twenty', 'long', 'day', 'clock', 'key'] as const)
      expect(column(name)).toEqual(columns[name]);
    expect(column('local')[3]).toBe('2021-03-01 12:00:00.123413');
    expect(column('nano')[3]).toBe('2021-03-01 12:00:00.123456713');
    expect(column('zoned')[3]).toBe('2021-03-01 10:00:03+00');
    expect(column('large').slice(2, 6)).toEqual(['25000000000.0', '1e+21', 'inf', '-inf']);
    expect(column('amount')[7]).toBe('7.1');
    expect(column('padded')[7]).toBe('7');
    expect(column('german')[29]).toBe('2020-12-30');
    expect(column('american')[29]).toBe('2020-12-30');
  });

  it('keeps an empty text apart from a missing one, and quoted line ends', () => {
    expect(column('word').slice(0, 3)).toEqual(['', null, 'a "b", 2\nc']);
  });

  it('says which blanks are ignored', () => {
    expect(written.inspection.notes).toEqual(['padded: blanks around the values are ignored']);
  });
});

describe('text that looks like numbers', () => {
  it('stays text until the provider decides', async () => {
    const file = await folder.write(
      'codes.csv',
      csv({
        zeros: repeat(['00001', '00022', '00333'], 10),
        mixed: repeat(['01', '02', '2A'], 10),
        exponent: repeat(['1e5', '12', '77'], 10),
        grouped: repeat(['"1,000"', '"2,100"', '"13,200"'], 10),
        answer: repeat(['Y', 'N', 'Y'], 10),
        ambiguous: repeat(['01/02/2020', '03/04/2020', '05/06/2020'], 10)
      })
    );
    const {
      inspection,
      types,
      rows: values
    } = await convert(folder, [file], {
      answers: {
        'reading:zeros': 'text',
        'reading:exponent': 'text',
        'reading:grouped': 'thousands',
        'reading:answer': 'boolean',
        'reading:ambiguous': 'd/m/y'
      }
    });
    expect(inspection.questions).toEqual([]);
    expect(types).toEqual({
      zeros: 'VARCHAR',
      mixed: 'VARCHAR',
      exponent: 'VARCHAR',
      grouped: 'BIGINT',
      answer: 'BOOLEAN',
      ambiguous: 'DATE'
    });
    expect(values[0]).toEqual(['00001', '01', '1e5', '1000', 'true', '2020-02-01']);
    const asked = await inspectTable([file]);
    expect(asked.questions.map(({ id, lossless }) => [id, lossless])).toEqual([
      ['reading:zeros', 'text'],
      ['reading:exponent', 'text'],
      ['reading:grouped', 'text'],
      ['reading:answer', 'text'],
      ['reading:ambiguous', 'text']
    ]);
    expect(asked.schema.columns.every(({ type }) => type === 'text')).toBe(true);
  });
});

describe('a column with exceptions', () => {
  it('keeps its type, and asks about a cell that only the exact pass finds', async () => {
    const ages = Array.from({ length: 29_999 }, (_, row) => String(20 + (row % 60)));
    ages[29_989] = '4O';
    const file = await folder.write('ages.csv', csv({ age: ages, n: ages.map((_, row) => String(row)) }));
    const { questions, schema } = await inspectTable([file]);
    expect(schema.columns[0]).toMatchObject({ name: 'age', type: 'integer', minimum: '20', maximum: '80' });
    expect(questions).toMatchObject([
      {
        id: 'misfit:age',
        count: 1,
        examples: [{ file: 'ages.csv', line: 29_991, value: '4O' }],
        proposal: 'stop'
      }
    ]);
    expect(questions[0]?.lossless).toBeUndefined();
    expect(questions[0]?.choices.map(({ id }) => id)).toEqual(['missing', 'text', 'leave-out', 'stop']);
    const missing = await convert(folder, [file], { answers: { 'misfit:age': 'missing' } });
    expect(missing.rows[29_989]).toEqual([null, '29989']);
    expect(missing.inspection.schema.columns[0]?.nullable).toBe(true);
    const left = await convert(folder, [file], { answers: { 'misfit:age': 'leave-out' } });
    expect(left.rows).toHaveLength(29_998);
    await expect(inspectTable([file], { answers: { 'misfit:age': 'stop' } })).rejects.toMatchObject({
      message: expect.stringContaining('ages.csv, line 29991')
    });
  });

  it('asks whether spellings of "no value" mean that, in columns of numbers and of text', async () => {
    const file = await folder.write(
      'missing.csv',
      csv({
        a: repeat(['1', '2', '3', '?', '.', '\\N', 'n/a'], 6),
        b: repeat(['x', 'y', 'NA', 'x', 'y', 'x', 'y'], 6),
        c: repeat(['true', 'false', 'true', 'unknown', 'unknown', 'true', 'false'], 6)
      })
    );
    const asked = await inspectTable([file]);
    expect(asked.questions.map(({ id, count, lossless }) => [id, count, lossless])).toEqual([
      ['missing:a', 24, undefined],
      ['missing:b', 6, 'text'],
      ['reading:c', undefined, 'text']
    ]);
    const { rows: values, inspection } = await convert(folder, [file], {
      answers: {
        'missing:a': 'missing',
        'missing:b': 'missing',
        'reading:c': 'boolean',
        'misfit:c': 'missing'
      }
    });
    expect(values.slice(0, 7)).toEqual([
      ['1', 'x', 'true'],
      ['2', 'y', 'false'],
      ['3', null, 'true'],
      [null, 'x', null],
      [null, 'y', null],
      [null, 'x', 'true'],
      [null, 'y', 'false']
    ]);
    expect(inspection.schema.columns[1]).toMatchObject({ nullable: true, categories: ['x', 'y'] });
  });

  it('becomes text when numbers end later than any sample', async () => {
    const values = Array.from({ length: 15_000 }, (_, row) => (row < 12_000 ? String(row) : `p${row}`));
    const file = await folder.write('late.csv', csv({ v: values, w: values.map((_, row) => `${row}.5`) }));
    const { questions, schema } = await inspectTable([file]);
    expect(schema.columns.map(({ type }) => type)).toEqual(['text', 'number']);
    expect(questions).toMatchObject([{ id: 'reading:v', lossless: 'text' }]);
  });
});

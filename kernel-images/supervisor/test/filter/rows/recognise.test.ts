import { recogniseRows } from '../../../src/filter/rows/recognise.js';
import {
  datasetOf,
  makeCodes,
  makeVisits,
  readTable,
  testWithData,
  type Rows
} from '../../support/datasets.js';
import { crosstab, describeTable, groupMeans, rowsAt, valueCounts } from '../../support/printing.js';

const VALUES_PER_ROW = 3;
const VISITS = makeVisits();

async function recognised(
  table: Rows,
  texts: readonly string[],
  identifiers: readonly string[] = []
): Promise<boolean[]> {
  const cells = texts.map((text, output) => [{ output, lines: text.split('\n') }]);
  const { shown, undecided } = await recogniseRows(
    cells,
    [datasetOf('hospital/visits', table, identifiers)],
    VALUES_PER_ROW
  );
  expect(undecided.size).toBe(0);
  return texts.map((_, output) => shown.has(output));
}

async function shows(table: Rows, text: string, identifiers: readonly string[] = []): Promise<boolean> {
  const [found = false] = await recognised(table, [text], identifiers);
  return found;
}

function column({ rows }: Rows, index: number): (number | string)[] {
  return rows.map(row => row[index] ?? 'NaN');
}

const row = (index: number) => VISITS.rows[index] ?? [];
const [PATIENT, AGE, SEX, REGION, SMOKER, WEIGHT, CHARGES, , ADMITTED] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

function cells(index: number): { age: number; weight: number; charges: number; date: string } {
  const [age, weight, charges, date] = [
    row(index)[AGE],
    row(index)[WEIGHT],
    row(index)[CHARGES],
    row(index)[ADMITTED]
  ];
  return { age: Number(age), weight: Number(weight), charges: Number(charges), date: String(date) };
}

function euros(value: number): string {
  return value.toLocaleString('de-DE', { minimumFractionDigits: 2 });
}

describe('rows are recognised', () => {
  const dollars = (value: number) => value.toLocaleString('en-US', { minimumFractionDigits: 2 });
  test.each<[string, string]>([
    ['head', rowsAt(VISITS, 0, 5)],
    ['tail', rowsAt(VISITS, 1997, 2000)],
    ['a single row', rowsAt(VISITS, 777, 778)],
    [
      'a row printed as a column',
      VISITS.names.map((name, index) => `${name.padEnd(10)} ${row(33)[index]}`).join('\n')
    ],
    ['a dict', JSON.stringify(Object.fromEntries(VISITS.names.map((name, index) => [name, row(44)[index]])))],
    ['tuples in one line', JSON.stringify(VISITS.rows.slice(100, 104)).replaceAll('"', "'")],
    [
      'CSV',
      VISITS.rows
        .slice(200, 203)
        .map(values => values.join(','))
        .join('\n')
    ],
    [
      'CSV with decimal commas',
      VISITS.rows
        .slice(200, 203)
        .map(values => values.map(value => String(value).replace('.', ',')).join(';'))
        .join('\n')
    ],
    [
      'values in sentences',
      [3, 4]
        .map(
          index =>
            `One of ${cells(index).age} years weighs ${cells(index).weight} kg and paid $${dollars(cells(index).charges)}, admitted on ${cells(index).date}.`
        )
        .join('\n')
    ],
    [
      'rounded values',
      `${row(9)[AGE]} ${row(9)[SEX]} ${cells(9).weight.toFixed(0)} ${cells(9).charges.toFixed(0)} ${cells(9).date}`
    ],
    [
      'truncated values',
      `${row(9)[AGE]} ${row(9)[SEX]} ${Math.trunc(cells(9).weight)} ${Math.trunc(cells(9).charges)} ${cells(9).date}`
    ],
    [
      'other separators',
      `${row(8)[AGE]}|${euros(cells(8).weight)}|${euros(cells(8).charges)} €|${cells(8).date.split('-').reverse().join('.')}`
    ],
    [
      'scientific notation',
      `[${cells(7).age.toExponential(8)} ${cells(7).weight.toExponential(8)} ${cells(7).charges.toExponential(8)}] ${cells(7).date}`
    ],
    [
      'dates in another format',
      [5, 6]
        .map(
          index =>
            `${cells(index).age}, ${cells(index).weight}, ${cells(index).charges}, ${new Date(cells(index).date).toLocaleDateString('en-US', { month: 'long', day: 'numeric', year: 'numeric', timeZone: 'UTC' })}`
        )
        .join('\n')
    ],
    [
      'values with words between them',
      VISITS.names.map((name, index) => `the ${name} that we found here was ${row(12)[index]}`).join(', and ')
    ],
    ['one value per line', [1, 5, 6, 8].map(index => String(row(15)[index])).join('\n')]
  ])('%s', async (_, text) => {
    expect(await shows(VISITS, text)).toBe(true);
  });

  test('across several outputs of one cell', async () => {
    const values = [AGE, WEIGHT, CHARGES, ADMITTED].map(index => String(row(21)[index]));
    const texts = values.map((value, output) => ({ output, lines: [value] }));
    const { shown } = await recogniseRows([texts], [datasetOf('hospital/visits', VISITS)], VALUES_PER_ROW);
    expect(shown.size).toBeGreaterThanOrEqual(3);
  });

  test('in a table of small numbers, by their order and count', async () => {
    const codes = makeCodes();
    expect(
      await recognised(codes, [rowsAt(codes, 0, 5), rowsAt(codes, 40, 41), rowsAt(codes, 900, 910)])
    ).toEqual([true, true, true]);
  });
});

describe('columns are recognised', () => {
  test.each<[string, string]>([
    ['a list of small numbers', JSON.stringify(column(VISITS, AGE).slice(0, 60))],
    [
      'a series',
      column(VISITS, AGE)
        .slice(500, 530)
        .map((value, index) => `${500 + index}    ${value}`)
        .join('\n')
    ],
    ['an array', `[${column(VISITS, WEIGHT).slice(10, 60).join(' ')}]`],
    [
      'a dict of index and value',
      `{${column(VISITS, AGE)
        .slice(0, 40)
        .map((value, index) => `${index}: ${value}`)
        .join(', ')}}`
    ],
    ['a list of words', JSON.stringify(column(VISITS, SMOKER).slice(0, 120))],
    [
      'the largest values, sorted',
      JSON.stringify(
        column(VISITS, CHARGES)
          .sort((a, b) => Number(b) - Number(a))
          .slice(0, 15)
      )
    ],
    [
      'shuffled exact values',
      column(VISITS, CHARGES)
        .filter((_, index) => index % 97 === 5)
        .reverse()
        .join('\n')
    ]
  ])('%s', async (_, text) => {
    expect(await shows(VISITS, text)).toBe(true);
  });
});

describe('an identifier column', () => {
  test('is recognised by one value', async () => {
    expect(await shows(VISITS, `The most expensive one is ${row(3)[PATIENT]}.`, ['patient'])).toBe(true);
  });

  test('is not recognised by a value that it does not contain', async () => {
    expect(await shows(VISITS, 'The most expensive one is P-999999.', ['patient'])).toBe(false);
  });
});

describe('aggregates pass', () => {
  test.each<[string, string]>([
    ['describe', describeTable(VISITS)],
    ['counts of ages', valueCounts(VISITS, AGE)],
    ['counts of words', valueCounts(VISITS, REGION)],
    ['means by a word', groupMeans(VISITS, [REGION], CHARGES)],
    ['means by two words', groupMeans(VISITS, [SEX, SMOKER], WEIGHT)],
    ['a crosstab', crosstab(VISITS, REGION, SEX)],
    ['the names of columns and a shape', `${JSON.stringify(VISITS.names)}\n(2000, 9)`],
    [
      'a numbered list from 0',
      Array.from({ length: 40 }, (_, index) => `${index}  ${(index * 0.731).toFixed(4)}`).join('\n')
    ],
    ['a sentence', 'The mean charge is 12,034.55 ± 310.20; 24.6 % smoke, p < 0.001, n = 2000.'],
    [
      'a fit',
      'Intercept   -1203.4410   410.22   -2.934   0.003\nage           251.3870    11.90   21.125   0.000\nsmoker      23847.1000   412.10   57.870   0.000'
    ]
  ])('%s', async (_, text) => {
    expect(await shows(VISITS, text)).toBe(false);
  });

  test('all together in one cell', async () => {
    const all = [
      describeTable(VISITS),
      valueCounts(VISITS, AGE),
      groupMeans(VISITS, [REGION], CHARGES),
      crosstab(VISITS, REGION, SEX)
    ];
    expect(await shows(VISITS, all.join('\n\n'))).toBe(false);
  });

  test('of a table of small numbers', async () => {
    const codes = makeCodes();
    const texts = [
      describeTable(codes),
      valueCounts(codes, 0),
      groupMeans(codes, [8], 0),
      crosstab(codes, 7, 8)
    ];
    expect(await recognised(codes, texts)).toEqual([false, false, false, false]);
  });
});

describe('rows are recognised and aggregates pass in real tables', () => {
  testWithData('of insured people', async () => {
    const table = readTable('insurance-stage2.csv');
    const rows = [
      rowsAt(table, 0, 5),
      rowsAt(table, 700, 701),
      JSON.stringify(column(table, 6).slice(50, 70))
    ];
    const aggregates = [
      describeTable(table),
      groupMeans(table, [4], 6),
      groupMeans(table, [1, 5], 6),
      valueCounts(table, 5),
      crosstab(table, 4, 5)
    ];
    expect(await recognised(table, rows)).toEqual(rows.map(() => true));
    expect(await recognised(table, aggregates)).toEqual(aggregates.map(() => false));
  });

  testWithData('of a census', async () => {
    const { names, rows: all } = readTable('adult.csv');
    const table = { names, rows: all.slice(0, 15_000) };
    const rows = [
      rowsAt(table, 0, 5),
      rowsAt(table, 4000, 4001),
      JSON.stringify(column(table, 0).slice(50, 150))
    ];
    const aggregates = [
      describeTable(table),
      groupMeans(table, [8], 0),
      valueCounts(table, 0),
      crosstab(table, 7, 8)
    ];
    expect(await recognised(table, rows)).toEqual(rows.map(() => true));
    expect(await recognised(table, aggregates)).toEqual(aggregates.map(() => false));
  });
});

test('a dataset without rows shows nothing', async () => {
  expect(await shows({ names: ['a'], rows: [] }, '1 2 3')).toBe(false);
});

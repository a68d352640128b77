import { recogniseRows } from '../../../src/filter/rows/recognise.js';
import { writeTable, type WrittenTable } from '../../support/duckdb.js';
import { describe, expect, test } from '@jest/globals';

const ROWS = 1000;
const VALUES_PER_ROW = 3;

/** Returns a query for a table of five columns, from an expression of a number of 60 random bits `r`. */
function columnsOf(expression: string): string {
  const column = (index: number) =>
    `(${expression.replace(/\br\b/g, `(hash(i, ${index}) >> 4)::BIGINT`)}) AS c${index}`;
  return `SELECT ${[0, 1, 2, 3, 4].map(column).join(', ')} FROM range(${ROWS}) t(i)`;
}

async function shows({ dataset }: WrittenTable, text: string): Promise<boolean> {
  const cell = [{ output: 0, lines: text.split('\n') }];
  const { shown } = await recogniseRows([cell], [dataset], VALUES_PER_ROW);
  return shown.has(0);
}

/** A type of columns: how notebooks print its values, and aggregates of them. */
interface Kind {
  readonly expression: string;
  readonly prints: Readonly<Record<string, (value: string) => string>>;
  readonly aggregates: readonly string[];
}

const parts = (value: string): number[] => (value.match(/\d+/g) ?? []).map(Number);
const withCommas = (value: string): string => value.replace(/\B(?=(?:\d{3})+(?:\.|$))/g, ',');
const micros = (value: string): string => /\.(\d+)/.exec(value)?.[1]?.padEnd(6, '0') ?? '000000';
const pythonTime = (value: string): string => {
  const [hour, minute, second] = parts(value).slice(-4);
  return `${hour}, ${minute}, ${second}, ${Number(micros(value))}`;
};
const pythonMoment = (value: string): string => {
  const [year, month, day, hour, minute, second] = parts(value);
  return `datetime.datetime(${year}, ${month}, ${day}, ${hour}, ${minute}, ${second}, ${Number(micros(value))}`;
};

const KINDS: Record<string, Kind> = {
  'integers over 2^53': {
    expression: '9007199254740993 + r',
    prints: {
      pandas: value => value,
      'thousands separators': withCommas,
      'a float': value => Number(value).toExponential(6),
      Python: value => `np.int64(${value})`
    },
    aggregates: ['mean   5.881342e+17\nstd    3.321145e+17\nmin    9.011322e+15', '1000 rows, 5 columns']
  },
  'decimals of 12 digits': {
    expression: '((r % 1000000000) / 100)::DECIMAL(12, 2)',
    prints: {
      pandas: value => value,
      'without trailing zeros': value => String(Number(value)),
      Python: value => `Decimal('${value}')`
    },
    aggregates: ['mean   4991022.3841\nstd    2901442.1102', '0    5012334.12\n1    4998120.77']
  },
  'decimals of 38 digits': {
    expression:
      "((r::HUGEINT * 10000000000000000 + r)::VARCHAR || '.' || lpad((r % 100)::VARCHAR, 2, '0'))::DECIMAL(38, 2)",
    prints: {
      pandas: value => value,
      'thousands separators': withCommas,
      Python: value => `Decimal('${value}')`
    },
    aggregates: ['mean   5.764607523034234849e+33', 'sum   5764607523034234879213846129384612384.55']
  },
  'decimals with 20 decimals': {
    expression: "('0.00' || lpad(r::VARCHAR, 18, '0'))::DECIMAL(38, 20)",
    prints: { pandas: value => value, 'with six decimals': value => Number(value).toFixed(6) },
    aggregates: ['mean  0.00561233\nstd   0.00331142']
  },
  'zoned timestamps': {
    expression: 'make_timestamptz(1577836800000000 + r % 157766400000000)',
    prints: {
      pandas: value => `${value.replace(/\+00$/, '')}+00:00`,
      DuckDB: value => value,
      Arrow: value => value.replace(/\+00$/, 'Z'),
      ISO: value => `${value.replace(' ', 'T').replace(/\+00$/, '')}+00:00`,
      'a pandas scalar': value => `Timestamp('${value.replace(/\+00$/, '+0000')}', tz='UTC')`,
      Python: value => `${pythonMoment(value)}, tzinfo=datetime.timezone.utc)`,
      'another zone': value => {
        const later = new Date(
          Date.parse(value.replace(' ', 'T').replace(/\.\d+/, '').replace('+00', 'Z')) + 7_200_000
        );
        return `${later.toISOString().slice(0, 19).replace('T', ' ')}.${micros(value)}+02:00`;
      }
    },
    aggregates: [
      '2020-01-31 00:00:00+00:00    12\n2020-02-29 00:00:00+00:00    19\n2020-03-31 00:00:00+00:00    15'
    ]
  },
  'naive timestamps': {
    expression: 'make_timestamp(1577836800000000 + r % 157766400000000)',
    prints: {
      pandas: value => value,
      'cut to seconds': value => value.slice(0, 19),
      Python: value => `${pythonMoment(value)})`,
      'a pandas scalar': value => `Timestamp('${value}')`
    },
    aggregates: [
      '2020-01-31    12\n2020-02-29    19\n2020-03-31    15',
      'hour\n0    41\n1    44\n2    39\n3    42'
    ]
  },
  'timestamps with nanoseconds': {
    expression: 'make_timestamp_ns(1577836800000000000 + r % 157766400000000000)',
    prints: { pandas: value => value, 'cut to microseconds': value => value.slice(0, 26) },
    aggregates: ['2020-01-31    12\n2020-02-29    19']
  },
  times: {
    expression:
      'make_time((r % 24)::BIGINT, ((r // 24) % 60)::BIGINT, ((r // 1440) % 60) + ((r // 86400) % 1000000) / 1000000)',
    prints: {
      pandas: value => value,
      'with all decimals': value => `${value.slice(0, 8)}.${micros(value)}`,
      Python: value => `datetime.time(${pythonTime(value)})`,
      'cut to seconds': value => value.slice(0, 8)
    },
    aggregates: ['mean  11:58:12\nmin   00:00:00\nmax   23:59:59', '08:00    83\n09:00    91\n10:00    77']
  },
  dates: {
    expression: "DATE '0900-01-01' + (r % 800000)::INTEGER",
    prints: {
      pandas: value => value,
      Python: value => `datetime.date(${parts(value).join(', ')})`,
      timestamps: value => `${value} 00:00:00`
    },
    aggregates: ['year\n2020    120\n2021    118']
  },
  UUIDs: {
    expression: '(md5(r::VARCHAR))::UUID',
    prints: {
      pandas: value => value,
      'upper case': value => value.toUpperCase(),
      'without hyphens': value => value.replaceAll('-', ''),
      Python: value => `UUID('${value}')`
    },
    aggregates: ['count    1000\nunique   1000', '1a2b3c4d-0000-4000-8000-1234567890ab']
  }
};

describe.each(Object.entries(KINDS))('%s', (_, { expression, prints, aggregates }) => {
  const table = writeTable(columnsOf(expression));

  test.each(Object.entries(prints))('of one row are recognised, printed as: %s', async (_kind, print) => {
    const written = await table;
    const values = (written.rows[700] ?? []).map(print);
    expect(await shows(written, `700  ${values.join('  ')}`)).toBe(true);
    expect(await shows(written, `(${values.join(', ')})`)).toBe(true);
    expect(await shows(written, values.map((value, index) => `c${index}    ${value}`).join('\n'))).toBe(true);
  });

  test.each(Object.entries(prints))('of one column are recognised, printed as: %s', async (_kind, print) => {
    const written = await table;
    const values = written.rows.slice(100, 130).map(row => print(row[2] ?? ''));
    expect(await shows(written, `[${values.join(', ')}]`)).toBe(true);
    expect(await shows(written, values.map((value, index) => `${100 + index}    ${value}`).join('\n'))).toBe(
      true
    );
  });

  test.each(aggregates)('pass in aggregates: %j', async text => {
    expect(await shows(await table, text)).toBe(false);
  });
});

describe('values are compared exactly', () => {
  const changed = (value: string): string =>
    value.replace(/\d(?=\D*$)/, digit => String((Number(digit) + 5) % 10));

  test.each(['integers over 2^53', 'decimals of 38 digits', 'UUIDs'])(
    '%s that differ in one digit pass',
    async name => {
      const written = await writeTable(columnsOf(KINDS[name]?.expression ?? ''));
      const row = written.rows[700] ?? [];
      expect(await shows(written, row.join('  '))).toBe(true);
      expect(await shows(written, row.map(changed).join('  '))).toBe(false);
    }
  );
});

describe('an identifier', () => {
  test.each([
    ['UUIDs', (value: string) => `Patient ${value.toUpperCase()} was here.`],
    ['integers over 2^53', (value: string) => `account ${value}`],
    ['zoned timestamps', (value: string) => `at ${value}`]
  ])('of %s is recognised by one value', async (name, sentence) => {
    const written = await writeTable(columnsOf(KINDS[name]?.expression ?? ''), ['c0']);
    expect(await shows(written, sentence(written.rows[3]?.[0] ?? ''))).toBe(true);
  });
});

test('missing values, infinity and the ends of each type are read', async () => {
  const values = {
    BIGINT: ['9223372036854775807', '-9223372036854775808'],
    'DECIMAL(38, 0)': ['9'.repeat(38), `-${'9'.repeat(38)}`],
    'DECIMAL(4, 2)': ['99.99', '-99.99'],
    DOUBLE: ['inf', '-0.0'],
    DATE: ['0001-01-01', 'infinity'],
    TIME: ['00:00:00', '23:59:59.999999'],
    TIMESTAMPTZ: ['0001-01-01 00:00:00+00', 'infinity'],
    TIMESTAMP: ['9999-12-31 23:59:59.999999', '-infinity'],
    TIMESTAMP_NS: ['1677-09-22 00:00:00', '2262-04-11 23:47:16.854775806'],
    UUID: ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']
  };
  const select = (index: number) =>
    `SELECT ${Object.entries(values)
      .map(
        ([type, texts], column) =>
          `${texts[index] === undefined ? 'NULL' : `'${texts[index]}'`}::${type} AS c${column}`
      )
      .join(', ')}`;
  const written = await writeTable([0, 1, 2].map(select).join(' UNION ALL '));
  const text = Object.values(values).map(([first]) => first);
  expect(await shows(written, text.join('  '))).toBe(true);
});

import { gzipSync, zstdCompressSync } from 'node:zlib';
import { inspectTable } from '../../src/provisioning/inspect.js';
import { convert, csv, repeat, TableFolder } from './support/tables.js';

const folder = new TableFolder();
beforeAll(() => folder.create());
afterAll(() => folder.remove());

const NUMBERS = { a: ['1', '2', '3'], b: ['4', '5', '6'] };
const TABLE = csv(NUMBERS);
const ROWS = [
  ['1', '4'],
  ['2', '5'],
  ['3', '6']
];

describe('a dialect that loses nothing is recognised', () => {
  it.each([
    [
      'semicolons with a decimal comma',
      'a;b\n1,5;4\n22,25;5\n3;6\n',
      [
        ['1.5', '4'],
        ['22.25', '5'],
        ['3.0', '6']
      ]
    ],
    ['tabs in a file named .csv', csv(NUMBERS, '\t'), ROWS],
    ['pipes', csv(NUMBERS, '|'), ROWS],
    ['a sep= line', 'sep=;\r\na;b\r\n1;4\r\n2;5\r\n3;6\r\n', ROWS],
    ['a byte order mark', `\u{feff}${TABLE}`, ROWS],
    ['UTF-16 with a byte order mark', Buffer.from(`\u{feff}${TABLE}`, 'utf16le'), ROWS],
    ['UTF-16 without one', Buffer.from(TABLE, 'utf16le'), ROWS],
    ['big-endian UTF-16', Buffer.from(`\u{feff}${TABLE}`, 'utf16le').swap16(), ROWS],
    ['old Macintosh lines', TABLE.replaceAll('\n', '\r'), ROWS],
    ['mixed line ends and no last one', 'a,b\r\n1,4\n2,5\r\n3,6', ROWS],
    ['remarks with a number sign before the table', `# exported\n#\n\n${TABLE}`, ROWS],
    ['a delimiter at the end of each line', 'a,b,\n1,4,\n2,5,\n3,6,\n', ROWS],
    ['a delimiter at the end of each row only', 'a,b\n1,4,\n2,5,\n3,6,\n', ROWS],
    ['gzip', gzipSync(TABLE), ROWS],
    ['zstd', zstdCompressSync(TABLE), ROWS],
    [
      'quotation marks inside a field',
      'a,b\n5\' 3",x\n"say ""hi""\r\nthere",y\n6\' 1",z\n',
      [
        ['5\' 3"', 'x'],
        ['say "hi"\r\nthere', 'y'],
        ['6\' 1"', 'z']
      ]
    ],
    ['one column', 'a\nx\n\ny\n""\n', [['x'], ['y'], ['']]]
  ])('%s', async (_description, content, expected) => {
    const file = await folder.write('table.csv', content);
    const { rows, inspection } = await convert(folder, [file]);
    expect(inspection.questions).toEqual([]);
    expect(rows).toEqual(expected);
  });

  it('several files with one header are one table', async () => {
    const files = [await folder.write('one.csv', TABLE), await folder.write('two.csv', TABLE.trimEnd())];
    expect((await convert(folder, files)).rows).toEqual([...ROWS, ...ROWS]);
    files.push(await folder.write('three.csv', 'a,c\n1,2\n'));
    await expect(inspectTable(files)).rejects.toMatchObject({
      message: 'three.csv has another header than one.csv.'
    });
  });

  it('columns without a name get one, which is shown', async () => {
    const file = await folder.write('unnamed.csv', '"",x\nr1,1\nr2,2\n');
    const { schema, notes } = await inspectTable([file]);
    expect(schema.columns.map(({ name }) => name)).toEqual(['column_1', 'x']);
    expect(notes).toEqual(['without a name: column 1']);
  });
});

describe('a dialect that could lose rows or names is a question', () => {
  it.each([
    ['titles before the table', `Export of the ward\nMay 2026\n${TABLE}`, 'skip', 'skip', ROWS],
    ['no header', '1,4\n2,5\n3,6\n', 'header', 'values', ROWS],
    ['comments inside', `${TABLE}# the end, of it, all\n`, 'comment', 'skip', ROWS],
    ['blanks between values', 'a b\n1 4\n2 5\n3 6\n', 'delimiter', 'blank', ROWS],
    ['records of another width', 'a,b\n1,4\n2\n2,5\n3,6,7\n3,6\n', 'records', 'leave-out', ROWS],
    [
      'Latin-1',
      Buffer.from('a,b\nMüller,4\nSøren,5\nJosé,6\n', 'latin1'),
      'encoding',
      'windows-1252',
      [
        ['Müller', '4'],
        ['Søren', '5'],
        ['José', '6']
      ]
    ]
  ])('%s', async (_description, content, id, choice, expected) => {
    const file = await folder.write('asked.csv', content);
    const { questions } = await inspectTable([file]);
    expect(questions.map(question => [question.id, question.lossless])).toEqual(
      id === 'header' ? [['header', undefined]] : [[id, undefined]]
    );
    expect((await convert(folder, [file], { answers: { [id]: choice } })).rows).toEqual(expected);
  });

  it('and shows the line of records that are not like the others', async () => {
    const file = await folder.write('ragged.csv', 'a,b\nw,4\n"x\ny",3\n2\nz,6\n4,"5"6\nv,8\n');
    const { questions } = await inspectTable([file]);
    expect(questions).toMatchObject([
      {
        id: 'records',
        count: 2,
        examples: [
          { file: 'ragged.csv', line: 5, value: 'expected 2 values, found 1' },
          { file: 'ragged.csv', line: 7, value: 'its quotation marks are not well formed' }
        ]
      }
    ]);
  });

  it('and can be set by the provider', async () => {
    const file = await folder.write('set.csv', "'x;1';2\n'y';3\n'z';4\n");
    const { rows } = await convert(folder, [file], {
      dialect: { delimiter: ';', quote: "'", header: false }
    });
    expect(rows).toEqual([
      ['x;1', '2'],
      ['y', '3'],
      ['z', '4']
    ]);
  });
});

describe('a file that cannot be read is refused with place and remedy', () => {
  it.each([
    ['an empty file', '', /is empty/],
    ['only a header', 'a,b\n', /has no rows/],
    [
      'a column name that is used twice',
      csv({ a: ['1'], b: ['2'] }).replace('b', 'a'),
      /"a" is used twice, for columns 1 and 2/
    ],
    ['a quotation mark that is never closed', 'a,b\n1,"2\n3,4\n', /line 2: a quotation mark that opens/],
    ['a NUL byte', 'a,b\n1,\0\n3,4\n', /NUL byte/],
    [
      'a header that is shorter than the rows',
      'a,b\n1,2,3\n4,5,6\n',
      /line 1: the header has 2 names, but most records have 3 values/
    ],
    ['an Excel workbook', Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), /ZIP archive or an Excel workbook/],
    [
      'damaged gzip',
      gzipSync(Buffer.from(Array.from({ length: 5000 }, (_, row) => (row * 7919) % 256))).subarray(0, 200),
      /cannot be decompressed/
    ],
    [
      'gzip that expands to far more than a table',
      gzipSync(Buffer.alloc(400_000_000)),
      /NUL|longer than 4 MiB|expands/
    ],
    ['a record of five megabytes', `a,b\n1,${'x'.repeat(5_000_000)}\n`, /longer than 4 MiB/]
  ])('%s', async (_description, content, message) => {
    const file = await folder.write('bad.csv', content);
    await expect(inspectTable([file])).rejects.toMatchObject({
      code: 'malformed',
      message: expect.stringMatching(message),
      remedy: expect.stringMatching(/./)
    });
  });

  it('10,001 columns are too many, and 2,001 are not', async () => {
    const wide = (columns: number): string =>
      [
        Array.from({ length: columns }, (_, column) => `c${column}`).join(','),
        ...repeat([Array.from({ length: columns }, (_, column) => String(column % 7)).join(',')], 12)
      ].join('\n');
    await expect(inspectTable([await folder.write('wide.csv', wide(10_001))])).rejects.toMatchObject({
      message: 'wide.csv has 10001 columns. A table can have at most 10,000.'
    });
    const { schema } = await inspectTable([await folder.write('wide.csv', wide(2001))]);
    expect(schema.columns).toHaveLength(2001);
  }, 60_000);
});

import { utf8 } from '@clean-room/protocol/bytes';
import { readSources } from '../../src/notebook/source.js';
import { writeNotebook } from '../../src/notebook/write.js';

const encode = (value: unknown) => utf8(JSON.stringify(value));
const MINIMAL = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };

test('sources are read in order, both as one string and as lines', () => {
  const cells = [
    { cell_type: 'markdown', metadata: { tags: ['x'] }, source: ['# a\n', 'b'] },
    {
      cell_type: 'code',
      metadata: {},
      execution_count: 3,
      outputs: [{ output_type: 'stream' }],
      source: 'print(1)'
    },
    { cell_type: 'raw', metadata: {}, source: '' }
  ];
  expect(readSources(encode({ ...MINIMAL, cells }))).toEqual([
    { type: 'markdown', source: '# a\nb' },
    { type: 'code', source: 'print(1)' },
    { type: 'raw', source: '' }
  ]);
});

test('half a surrogate pair in a source becomes a replacement character', () => {
  const cells = [{ cell_type: 'raw', source: 'a\ud800' }];
  expect(readSources(encode({ ...MINIMAL, cells }))).toEqual([{ type: 'raw', source: 'a\ufffd' }]);
});

test('bytes that are not a notebook are refused', () => {
  expect(() => readSources(encode([]))).toThrow(expect.objectContaining({ code: 'malformed' }) as Error);
});

test('the notebook is written only from the measured sources and the outputs', () => {
  const cells = [
    { type: 'markdown' as const, source: '# a' },
    { type: 'code' as const, source: 'print(1)' },
    { type: 'code' as const, source: 'f()' }
  ];
  const mark = { verdict: 'pass' as const, reasons: [] };
  const output = { output_type: 'stream' as const, name: 'stdout' as const, text: '1\n' };
  const failure = { class: 'notebook-error' as const, cell: 2 };
  const bytes = writeNotebook(
    cells,
    [
      { status: 'ok', outputs: [{ mark, output }] },
      { status: 'not-run', outputs: [] }
    ],
    failure
  );
  expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      'clean-room': { format: 'clean-room.filtered-notebook/v1', failure },
      kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
      language_info: { name: 'python' }
    },
    cells: [
      { cell_type: 'markdown', id: 'cell-1', metadata: {}, source: '# a' },
      {
        cell_type: 'code',
        id: 'cell-2',
        execution_count: null,
        metadata: { 'clean-room': { status: 'ok', outputs: [mark] } },
        outputs: [output],
        source: 'print(1)'
      },
      {
        cell_type: 'code',
        id: 'cell-3',
        execution_count: null,
        metadata: { 'clean-room': { status: 'not-run', outputs: [] } },
        outputs: [],
        source: 'f()'
      }
    ]
  });
});

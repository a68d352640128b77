import { describe, expect, it } from '@jest/globals';
import { fromUtf8, utf8 } from '../../src/bytes/encoding.js';
import { codeSources, datasetsIn, parseNotebook, readNotebook } from '../../src/notebooks/notebook.js';
import { stripNotebook } from '../../src/notebooks/strip.js';

const MINIMAL = { nbformat: 4, nbformat_minor: 5, metadata: {}, cells: [] };
const encode = (value: unknown): Uint8Array => utf8(JSON.stringify(value));

describe('readNotebook', () => {
  it('returns cells in order, whether a source is one string or a list of lines', () => {
    const output = { output_type: 'stream' };
    const cells = [
      { cell_type: 'markdown', metadata: { tags: ['x'] }, source: ['# a\n', 'b'] },
      { cell_type: 'code', id: 'c', execution_count: 3, outputs: [output], source: 'print(1)' },
      { cell_type: 'raw', metadata: null, source: '', outputs: [output] }
    ];
    expect(readNotebook(encode({ ...MINIMAL, cells })).cells).toEqual([
      { type: 'markdown', source: '# a\nb', id: undefined, metadata: { tags: ['x'] }, outputs: [] },
      { type: 'code', source: 'print(1)', id: 'c', metadata: {}, outputs: [output] },
      { type: 'raw', source: '', id: undefined, metadata: {}, outputs: [] }
    ]);
  });

  it.each([
    ['an older format', { ...MINIMAL, nbformat: 3 }],
    ['an unknown type of cell', { ...MINIMAL, cells: [{ cell_type: 'heading', source: '' }] }],
    ['a cell without source', { ...MINIMAL, cells: [{ cell_type: 'code' }] }],
    ['a source with a line that is not text', { ...MINIMAL, cells: [{ cell_type: 'code', source: [1] }] }],
    ['a cell that is null', { ...MINIMAL, cells: [null] }],
    ['a list', []],
    ['a number', 4]
  ])('refuses %s', (_, value) => {
    expect(() => readNotebook(encode(value))).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('refuses bytes that are not text, and text that is not JSON', () => {
    for (const bytes of [Uint8Array.of(0xff, 0xfe), utf8('{')])
      expect(() => readNotebook(bytes)).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('refuses more than 100,000 cells', () => {
    const cells = new Array(100_001).fill({ cell_type: 'raw', source: '' });
    expect(() => parseNotebook({ ...MINIMAL, cells })).toThrow('more than 100000 cells');
  });
});

describe('datasetsIn', () => {
  it('returns the names that code opens by a literal, sorted and each once', () => {
    const sources = [
      "b = clean_room.open_dataset( 'insurer/claims_2020' )",
      'a = open_dataset("hospital/visits").to_pandas()\nopen_dataset("hospital/visits")'
    ];
    expect(datasetsIn(sources)).toEqual(['hospital/visits', 'insurer/claims_2020']);
  });

  it('ignores text that only looks like a call with a literal name', () => {
    expect(
      datasetsIn([
        'reopen_dataset("a/b")',
        'open_dataset(name)',
        'open_dataset("a/b\')',
        'open_dataset("../b")',
        `open_dataset("${'a'.repeat(40)}/b")`,
        '"hospital/not-opened"'
      ])
    ).toEqual([]);
  });

  it('is given only the sources of code cells', () => {
    const cells = [
      { cell_type: 'markdown', source: 'open_dataset("hospital/visits")' },
      { cell_type: 'code', source: ['open_dataset(', '"insurer/claims")'] }
    ];
    const stripped = stripNotebook(encode({ ...MINIMAL, cells }), 'n.ipynb');
    expect(datasetsIn(codeSources(readNotebook(stripped)))).toEqual(['insurer/claims']);
  });
});

describe('stripNotebook', () => {
  const strip = (notebook: unknown): string => fromUtf8(stripNotebook(encode(notebook), 'n.ipynb'));
  const strippedCells = (notebook: unknown): { id: string }[] =>
    (JSON.parse(strip(notebook)) as { cells: { id: string }[] }).cells;
  const cell = {
    cell_type: 'code',
    id: 'a',
    metadata: {},
    source: ['x = 1\n', 'x'],
    execution_count: 3,
    outputs: [{ x: 1 }]
  };
  const notebook = {
    cells: [cell],
    metadata: { kernelspec: { name: 'python3' }, widgets: { state: 1 } },
    nbformat: 4,
    nbformat_minor: 4
  };

  it('keeps sources and tags, and nothing else of a cell', () => {
    const changed = {
      ...cell,
      metadata: { tags: ['parameters'], secret: 's' },
      attachments: { 'a.png': {} }
    };
    expect(strippedCells({ ...notebook, cells: [changed] })[0]).toEqual({
      cell_type: 'code',
      execution_count: null,
      id: 'a',
      metadata: { tags: ['parameters'] },
      outputs: [],
      source: ['x = 1\n', 'x']
    });
    expect(strip(notebook)).not.toContain('widgets');
  });

  it('returns the same bytes for every way in which one notebook can be saved', () => {
    const otherwise = {
      nbformat_minor: 5,
      nbformat: 4,
      metadata: notebook.metadata,
      cells: [{ ...cell, source: 'x = 1\nx', outputs: [] }]
    };
    expect(strip(otherwise)).toBe(strip(notebook));
    expect(strip(JSON.parse(strip(notebook)))).toBe(strip(notebook));
  });

  it('returns these bytes, which are hashed in images', () => {
    const cells = [
      { cell_type: 'markdown', source: '# Tïtle\n\ntext\r\n', metadata: { tags: ['a'], x: 1 } },
      { cell_type: 'code', source: '', metadata: null },
      { cell_type: 'raw', source: '\ud800', id: 'not an id' }
    ];
    const metadata = {
      kernelspec: { name: 'python3', display_name: 'Python 3' },
      language_info: { name: 'python', version: '3.12' }
    };
    expect(strip({ ...MINIMAL, metadata, cells })).toBe(`{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "cell-1",
   "metadata": {
    "tags": [
     "a"
    ]
   },
   "source": [
    "# Tïtle\\n",
    "\\n",
    "text\\r\\n"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": null,
   "id": "cell-2",
   "metadata": {},
   "outputs": [],
   "source": []
  },
  {
   "cell_type": "raw",
   "id": "cell-3",
   "metadata": {},
   "source": [
    "\\ud800"
   ]
  }
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "Python 3",
   "name": "python3"
  },
  "language_info": {
   "name": "python"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
`);
  });

  it.each([
    ['of an older format', { ...notebook, nbformat: 3 }],
    ['with a cell of an unknown type', { ...notebook, cells: [{ ...cell, cell_type: 'heading' }] }],
    ['with a cell that has no source', { ...notebook, cells: [{ ...cell, source: undefined }] }],
    ['in another language', { ...notebook, metadata: { language_info: { name: 'R' } } }],
    ['for a kernel of another language', { ...notebook, metadata: { kernelspec: { language: 'julia' } } }]
  ])('refuses a notebook %s', (_what, value) => {
    expect(() => strip(value)).toThrow(expect.objectContaining({ code: 'workspace-refused' }));
  });

  it.each(['python', 'Python', 'ipython', 'python3'])('accepts the language name %s', name => {
    expect(() => strip({ ...notebook, metadata: { language_info: { name } } })).not.toThrow();
  });

  it('gives every cell an id of its own', () => {
    const cells = ['a', 'cell-3', undefined, 'a', 'not an id'].map(id => ({ ...cell, id }));
    expect(strippedCells({ ...notebook, cells }).map(({ id }) => id)).toEqual([
      'a',
      'cell-3',
      'cell-3-2',
      'cell-4',
      'cell-5'
    ]);
  });
});

import { cellsOf } from '../../src/notebook/cells.js';

const mark = { verdict: 'suppressed', reasons: ['rows-of-data'] };

describe('cellsOf', () => {
  it('assigns the filter’s verdicts to their outputs', () => {
    const cells = cellsOf({
      nbformat: 4,
      cells: [
        { cell_type: 'markdown', source: ['# a', '\nb'] },
        {
          cell_type: 'code',
          source: 'x',
          metadata: { 'clean-room': { status: 'ok', outputs: [{ verdict: 'pass', reasons: [] }, mark] } },
          outputs: [
            { output_type: 'stream', name: 'stdout', text: '1' },
            { output_type: 'display_data', data: {}, metadata: {} }
          ]
        },
        { cell_type: 'code', source: 'y', metadata: {}, outputs: [] }
      ]
    });
    expect(cells.map(({ type, number }) => [type, number])).toEqual([
      ['markdown', undefined],
      ['code', 1],
      ['code', 2]
    ]);
    expect(cells[0]?.source).toBe('# a\nb');
    expect(cells[1]?.outputs.map(output => output.mark?.verdict)).toEqual(['pass', 'suppressed']);
  });

  it.each([
    [undefined],
    [null],
    ['text'],
    [{}],
    [{ nbformat: 4, cells: 5 }],
    [{ nbformat: 4, cells: [5, null] }]
  ])('refuses %p, which is not a notebook of format 4', value => {
    expect(() => cellsOf(value)).toThrow('The notebook cannot be read');
  });

  it('ignores an unknown verdict', () => {
    const [cell] = cellsOf({
      nbformat: 4,
      cells: [
        {
          cell_type: 'code',
          source: '',
          metadata: { 'clean-room': { outputs: [{ verdict: 'fine' }] } },
          outputs: [{}]
        }
      ]
    });
    expect(cell?.outputs[0]?.mark).toBeUndefined();
  });
});

import { NotebookOutputs, type OutputFrame } from '../../src/notebook/outputs.js';

function display(text: string, displayId: string | null = null): OutputFrame {
  return { type: 'display_data', cell: 0, data: { 'text/plain': text }, metadata: {}, displayId };
}

function update(text: string, displayId: string): OutputFrame {
  return { type: 'update_display_data', cell: 0, data: { 'text/plain': text }, metadata: {}, displayId };
}

const shown = (text: string) => ({ type: 'display_data', data: { 'text/plain': text }, metadata: {} });
const print = (text: string) => ({ type: 'stream', name: 'stdout', text });

describe('NotebookOutputs', () => {
  it('joins consecutive texts of one stream', () => {
    const outputs = new NotebookOutputs(10);
    const cell = outputs.begin();
    for (const text of ['a', 'b', '']) outputs.text('stdout', text);
    outputs.text('stderr', 'c');
    outputs.text('stdout', 'd');
    outputs.flush();
    expect(cell).toEqual([print('ab'), { type: 'stream', name: 'stderr', text: 'c' }, print('d')]);
  });

  it('updates displays, also in earlier cells', () => {
    const outputs = new NotebookOutputs(10);
    const first = outputs.begin();
    outputs.apply(display('old', 'a'));
    outputs.apply(display('other', 'b'));
    const second = outputs.begin();
    outputs.apply(display('again', 'a'));
    expect(first).toEqual([shown('again'), shown('other')]);
    outputs.apply(update('new', 'a'));
    outputs.apply(update('unused', 'c'));
    expect(first).toEqual([shown('new'), shown('other')]);
    expect(second).toEqual([shown('new')]);
  });

  it('clears a cell at once or before its next output', () => {
    const outputs = new NotebookOutputs(10);
    const cell = outputs.begin();
    outputs.apply(display('1', 'a'));
    outputs.apply({ type: 'clear_output', cell: 0, wait: true });
    expect(cell).toHaveLength(1);
    outputs.text('stdout', '2');
    outputs.flush();
    expect(cell).toEqual([print('2')]);
    outputs.apply({ type: 'clear_output', cell: 0, wait: false });
    expect(cell).toEqual([]);
    outputs.text('stdout', '3');
    outputs.apply(update('gone', 'a'));
    outputs.flush();
    expect(cell).toEqual([print('3')]);
  });

  it('does not clear a cell because of a clear_output in the previous cell', () => {
    const outputs = new NotebookOutputs(10);
    const first = outputs.begin();
    outputs.text('stdout', 'kept');
    outputs.apply({ type: 'clear_output', cell: 0, wait: true });
    outputs.flush();
    const second = outputs.begin();
    outputs.text('stdout', 'new');
    outputs.flush();
    expect([first, second]).toEqual([[print('kept')], [print('new')]]);
  });

  it('limits the number of outputs of a cell', () => {
    const outputs = new NotebookOutputs(2);
    outputs.begin();
    outputs.apply(display('1'));
    outputs.apply(display('2'));
    expect(() => outputs.apply(display('3'))).toThrow('more than 2');
  });
});

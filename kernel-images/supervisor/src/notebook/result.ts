import { utf8 } from '@clean-room/protocol/bytes';
import type { FilteredCell, NotebookOutput } from '../filter/index.js';
import type { SourceCell } from './source.js';

/** Picks what of each output goes into a copy of the notebook. */
export type Pick = (output: FilteredCell['outputs'][number]) => NotebookOutput;

/**
 * The notebook that ran, rebuilt from the measured source; the sandbox has contributed outputs and nothing else. No
 * times, no execution counts but the order of cells, no metadata of the notebook's own.
 * @param ran the code cells that ran
 */
export function writeResult(
  cells: readonly SourceCell[],
  ran: readonly FilteredCell[],
  pick: Pick = ({ output }) => output
): Uint8Array {
  const outputs = new Map(ran.map(cell => [cell.cell, cell.outputs]));
  const rebuilt = cells.map(({ kind, source, number }, index) => {
    const common = { cell_type: kind, id: `cell-${index + 1}`, metadata: {}, source };
    if (number === undefined) return common;
    const own = outputs.get(number);
    return {
      ...common,
      execution_count: own === undefined ? null : number,
      outputs: (own ?? []).map(pick).map(output => numbered(output, number))
    };
  });
  const notebook = {
    cells: rebuilt,
    metadata: {
      kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
      language_info: { name: 'python' }
    },
    nbformat: 4,
    nbformat_minor: 5
  };
  return utf8(`${JSON.stringify(notebook, null, 1)}\n`);
}

/** A result carries the number of its cell, as Jupyter shows it. */
function numbered(output: NotebookOutput, number: number): object {
  return output.output_type === 'execute_result' ? { ...output, execution_count: number } : output;
}

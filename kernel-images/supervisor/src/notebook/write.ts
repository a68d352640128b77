import { utf8 } from '@clean-room/protocol/bytes';
import type { CellStatus, RunFailure } from '@clean-room/protocol/runs';
import type { VerdictMark, NotebookOutput } from '../filter/output.js';
import type { SourceCell } from './source.js';

/** The status and the filtered outputs of a code cell. */
export interface CellOutcome {
  readonly status: CellStatus;
  readonly outputs: readonly { readonly mark: VerdictMark; readonly output: NotebookOutput }[];
}

function writeCell(cell: SourceCell, id: string, outcome: CellOutcome | undefined): object {
  if (outcome === undefined) return { cell_type: cell.type, id, metadata: {}, source: cell.source };
  return {
    cell_type: cell.type,
    execution_count: null,
    id,
    metadata: { 'clean-room': { status: outcome.status, outputs: outcome.outputs.map(({ mark }) => mark) } },
    outputs: outcome.outputs.map(({ output }) => output),
    source: cell.source
  };
}

/**
 * Returns the notebook that ran, with the measured sources and the filtered outputs, in nbformat 4.5. Equal runs give
 * equal bytes.
 *
 * @param outcomes - the results of the code cells, in order
 */
export function writeNotebook(
  cells: readonly SourceCell[],
  outcomes: readonly CellOutcome[],
  failure?: RunFailure
): Uint8Array {
  let code = 0;
  const written = cells.map((cell, index) =>
    writeCell(cell, `cell-${index + 1}`, cell.type === 'code' ? outcomes[code++] : undefined)
  );
  const notebook = {
    cells: written,
    metadata: {
      'clean-room': {
        format: 'clean-room.filtered-notebook/v1',
        ...(failure === undefined ? {} : { failure })
      },
      kernelspec: { display_name: 'Python 3', language: 'python', name: 'python3' },
      language_info: { name: 'python' }
    },
    nbformat: 4,
    nbformat_minor: 5
  };
  return utf8(`${JSON.stringify(notebook, undefined, 1)}\n`);
}

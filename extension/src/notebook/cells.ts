import { parseNotebook } from '@clean-room/protocol/notebooks';
import type { IOutput } from '@jupyterlab/nbformat';
import type { ReasonClass } from '../../../packages/protocol/src/runs/verdict.js';

/** What the filter says of an output. */
export interface OutputMark {
  readonly verdict: 'pass' | 'transformed' | 'held' | 'suppressed';
  readonly reasons: readonly ReasonClass[];
}

export interface ShownOutput {
  readonly output: IOutput;
  readonly mark?: OutputMark;
}

export interface ShownCell {
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  /** Position among the code cells, from 1; only of code cells. */
  readonly number?: number;
  readonly status?: 'ok' | 'error' | 'interrupted' | 'not-run';
  readonly outputs: readonly ShownOutput[];
}

type Plain = Readonly<Record<string, unknown>>;

const plain = (value: unknown): Plain =>
  typeof value === 'object' && value !== null ? (value as Plain) : {};
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function markOf(value: unknown): OutputMark | undefined {
  const { verdict, reasons } = plain(value);
  const known = (['pass', 'transformed', 'held', 'suppressed'] as const).find(name => name === verdict);
  return (
    known && {
      verdict: known,
      reasons: list(reasons).filter(reason => typeof reason === 'string') as ReasonClass[]
    }
  );
}

/**
 * Returns the cells of a notebook of nbformat 4, with the verdicts that the filter noted about their outputs. The cells are
 * the ones that the TEE reads. A verdict that is not known is left out.
 *
 * @throws CleanRoomError `malformed` when the notebook is not of nbformat 4
 */
export function cellsOf(notebook: unknown): readonly ShownCell[] {
  let count = 0;
  return parseNotebook(notebook).cells.map(({ type, source, metadata, outputs }) => {
    if (type !== 'code') return { type, source, outputs: [] };
    count += 1;
    const noted = plain(metadata['clean-room']);
    const marks = list(noted['outputs']).map(markOf);
    return {
      type,
      source,
      number: count,
      status: noted['status'] as ShownCell['status'],
      outputs: outputs.map((output, index): ShownOutput => ({
        output: output as IOutput,
        mark: marks[index]
      }))
    };
  });
}

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

function textOf(source: unknown): string {
  return Array.isArray(source) ? source.join('') : typeof source === 'string' ? source : '';
}

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
 * The cells of a notebook of nbformat 4, with what the filter noted of their outputs. What is not as it should be is left
 * out rather than guessed: this is for looking at.
 */
export function cellsOf(notebook: unknown): readonly ShownCell[] {
  let count = 0;
  return list(plain(notebook)['cells']).map(value => {
    const cell = plain(value);
    const source = textOf(cell['source']);
    if (cell['cell_type'] !== 'code') {
      return { type: cell['cell_type'] === 'markdown' ? 'markdown' : 'raw', source, outputs: [] };
    }
    count += 1;
    const noted = plain(plain(cell['metadata'])['clean-room']);
    const marks = list(noted['outputs']).map(markOf);
    const outputs = list(cell['outputs']).map((output, index): ShownOutput => ({
      output: output as IOutput,
      mark: marks[index]
    }));
    return { type: 'code', source, number: count, status: noted['status'] as ShownCell['status'], outputs };
  });
}

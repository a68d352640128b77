import { parseNotebook } from '@clean-room/protocol/notebooks';
import type { IOutput } from '@jupyterlab/nbformat';
import type { ReasonClass } from '@clean-room/protocol/runs';

/** The filter's verdict on an output, and its reasons. */
export interface OutputMark {
  readonly verdict: 'pass' | 'transformed' | 'held' | 'suppressed';
  readonly reasons: readonly ReasonClass[];
}

/** An output with its verdict. */
export interface OutputWithMark {
  readonly output: IOutput;
  readonly mark?: OutputMark;
}

/** A cell as it is shown. */
export interface ShownCell {
  readonly type: 'code' | 'markdown' | 'raw';
  readonly source: string;
  /** The number among the code cells, from 1. Other cells have none. */
  readonly number?: number;
  readonly status?: 'ok' | 'error' | 'interrupted' | 'not-run';
  readonly outputs: readonly OutputWithMark[];
}

type JsonObject = Readonly<Record<string, unknown>>;

const asObject = (value: unknown): JsonObject =>
  typeof value === 'object' && value !== null ? (value as JsonObject) : {};
const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** Reads a verdict from a cell's metadata. Returns undefined when it is not one that this version knows. */
function readMark(value: unknown): OutputMark | undefined {
  const { verdict, reasons } = asObject(value);
  const known = (['pass', 'transformed', 'held', 'suppressed'] as const).find(name => name === verdict);
  return (
    known && {
      verdict: known,
      reasons: asList(reasons).filter(reason => typeof reason === 'string') as ReasonClass[]
    }
  );
}

/**
 * Returns the cells of a notebook of nbformat 4, with the verdicts that the filter recorded for their outputs. The notebook is
 * parsed exactly as in the TEE. An unknown verdict is left out.
 *
 * @throws CleanRoomError `malformed` when the notebook is not of nbformat 4
 */
export function cellsOf(notebook: unknown): readonly ShownCell[] {
  let count = 0;
  return parseNotebook(notebook).cells.map(({ type, source, metadata, outputs }) => {
    if (type !== 'code') return { type, source, outputs: [] };
    count += 1;
    const recorded = asObject(metadata['clean-room']);
    const marks = asList(recorded['outputs']).map(readMark);
    return {
      type,
      source,
      number: count,
      status: recorded['status'] as ShownCell['status'],
      outputs: outputs.map((output, index): OutputWithMark => ({
        output: output as IOutput,
        mark: marks[index]
      }))
    };
  });
}

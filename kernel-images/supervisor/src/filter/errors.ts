import type { RawOutput } from '@clean-room/sandbox';
import { EXCEPTION_CLASSES, type ExceptionClass } from '@clean-room/protocol/runs';
import type { NotebookOutput } from './output.js';

type RawError = Extract<RawOutput, { readonly type: 'error' }>;

/** What may be told of an exception: a class of a fixed list, and a line that the approved source has. */
export interface ReducedError {
  readonly exception: ExceptionClass;
  readonly line?: number;
}

function isListed(name: string): name is ExceptionClass {
  return (EXCEPTION_CLASSES as readonly string[]).includes(name);
}

/**
 * Reduces an exception. The class is the first of itself and its ancestors that is listed. Message and traceback, where
 * records of data turn up, are dropped unread.
 */
export function reduceError(error: RawError, source: string): ReducedError {
  const exception = [error.ename, ...error.bases].find(isListed) ?? 'Exception';
  const lines = source.split('\n').length;
  const { line } = error;
  return line !== null && line >= 1 && line <= lines ? { exception, line } : { exception };
}

/** @param cell position among the code cells, from 1 */
export function writeError({ exception, line }: ReducedError, cell: number): NotebookOutput {
  const place = line === undefined ? `cell ${cell}` : `cell ${cell}, line ${line}`;
  return { output_type: 'error', ename: exception, evalue: place, traceback: [`${exception} in ${place}`] };
}

import type { RawOutput } from '@clean-room/sandbox';
import { EXCEPTION_CLASSES, type ExceptionClass } from '@clean-room/protocol/runs';
import type { NotebookOutput } from './output.js';

type RawError = Extract<RawOutput, { readonly type: 'error' }>;

/** The part of an exception that may leave the TEE: a class of a fixed list, and a line of the approved source. */
export interface ReducedError {
  readonly exception: ExceptionClass;
  /** From 1; absent when the exception does not name a line of the source. */
  readonly line?: number;
}

function isListed(name: string): name is ExceptionClass {
  return (EXCEPTION_CLASSES as readonly string[]).includes(name);
}

/**
 * Reduces an exception to the first listed class among its own class and its ancestors, and its line. Message and
 * traceback often contain records of data and are dropped unread.
 */
export function reduceError(error: RawError, source: string): ReducedError {
  const exception = [error.ename, ...error.bases].find(isListed) ?? 'Exception';
  const lines = source.split('\n').length;
  const { line } = error;
  return line !== null && line >= 1 && line <= lines ? { exception, line } : { exception };
}

/**
 * Returns the notebook output that shows a reduced exception.
 *
 * @param cell - position among the code cells, from 1
 */
export function errorOutput({ exception, line }: ReducedError, cell: number): NotebookOutput {
  const location = line === undefined ? `cell ${cell}` : `cell ${cell}, line ${line}`;
  return {
    output_type: 'error',
    ename: exception,
    evalue: location,
    traceback: [`${exception} in ${location}`]
  };
}

import type { RunFailure } from '@clean-room/protocol/runs';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Why a run did not get to its end, in one sentence; undefined when it did. */
export function failureSentence(
  failure: RunFailure | undefined,
  trans: TranslationBundle
): string | undefined {
  if (failure === undefined) return undefined;
  switch (failure.class) {
    case 'notebook-error':
      return trans.__('%1 in %2', failure.exception ?? 'Exception', place(failure, trans));
    case 'time-limit':
      return trans.__('stopped at the time limit in %1', place(failure, trans));
    case 'memory-limit':
      return trans.__('out of memory in %1', place(failure, trans));
    case 'disk-limit':
      return trans.__('out of disk space in %1', place(failure, trans));
    case 'output-limit':
      return trans.__('more output than allowed in %1', place(failure, trans));
    case 'process-crash':
      return trans.__('Python ended unexpectedly in %1', place(failure, trans));
  }
}

function place({ cell, line }: RunFailure, trans: TranslationBundle): string {
  if (cell === undefined) return trans.__('the notebook');
  return line === undefined ? trans.__('cell %1', cell) : trans.__('cell %1, line %2', cell, line);
}

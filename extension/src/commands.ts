import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

/** The ids of this extension's commands. */
export const CommandIDs = {
  submit: 'clean-room:submit-notebook',
  submitFile: 'clean-room:submit-selected-notebook',
  showRuns: 'clean-room:show-runs',
  cancelRun: 'clean-room:cancel-run',
  openResult: 'clean-room:open-result',
  saveReceipt: 'clean-room:save-receipt',
  review: 'clean-room:review',
  showDatasets: 'clean-room:show-datasets',
  insertDataset: 'clean-room:insert-dataset',
  chooseParty: 'clean-room:choose-party'
} as const;

/** Returns an argument of a command, or undefined if it is not a string. */
export function stringArgument(args: ReadonlyPartialJSONObject, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' ? value : undefined;
}

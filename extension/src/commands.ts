/** Every command of this extension. */
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

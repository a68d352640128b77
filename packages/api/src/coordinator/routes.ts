export { listAssets, listKernelImages, listMachines, publishAsset, withdrawAsset } from './catalogue.js';
export { streamEvents } from './events.js';
export {
  answerKeyRequest,
  askForToken,
  createTransfer,
  declareReady,
  downloadTransfer,
  getJob,
  getMailbox,
  listKeyRequests,
  postKeyRequest,
  postKeyRequestToken,
  postProgress,
  postResults,
  registerAttempt,
  uploadTransfer
} from './jobs.js';
export { getCheckpoint, getConsistencyProof, getLogProof, listLogEntries } from './log.js';
export { getObject, putObject } from './objects.js';
export { getMe, listCollaborations, publishCollaboration, publishRoster } from './parties.js';
export {
  cancelRun,
  createRun,
  getConsole,
  getOutputUnderReview,
  getReceipt,
  getRun,
  listRuns,
  releaseOutputs,
  withholdOutputs
} from './runs.js';
export {
  addComment,
  approve,
  createRevision,
  createSubmission,
  getFile,
  getSubmission,
  listSubmissions,
  composeImage,
  compareImage,
  reject,
  requestChanges,
  withdraw
} from './submissions.js';

import * as routes from './routes.js';

export { routes };
export { Machine, PublishedAsset } from './catalogue.js';
export { Actor, Reason } from './common.js';
export { CoordinatorEvent } from './events.js';
export { KeyRequestWaiting } from './jobs.js';
export { Me, PublishedCollaboration } from './parties.js';
export { CONSOLE_NOTICE, MachineConsole, Run, RunCost, RunSummary } from './runs.js';
export { Comment, Decision, Revision, Submission, SubmissionSummary } from './submissions.js';

export { JOB_VARIABLE, isJobAddress } from '../attestation/environment.js';
export { JobDocument, JobProgress, JobResult } from './job.js';

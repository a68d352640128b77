export { JOB_VARIABLE, isJobAddress } from '../attestation/job-address.js';
export { JobDocument, JobProgress, JobResult } from './job.js';

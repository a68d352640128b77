export { JOB_VARIABLE, isJobAddress } from '../attestation/job-address.js';
export * from './job.js';

export { JOB_VARIABLE, isJobAddress } from '../attestation/environment.js';
export { JobDocument, JobProgress, JobResult } from './job.js';
export {
  ATTEMPT_AUDIENCE,
  AttemptRegistration,
  REGISTRATION_TOKEN_SECONDS,
  RegisteredAttempt,
  openAttemptSecret,
  registrationNonce,
  sealAttemptSecret
} from './registration.js';
export {
  PROOF_HEADER,
  type RequestProof,
  isProven,
  proveRequest,
  readRequestProof
} from './request-proof.js';
export { ATTEMPT_SECONDS } from './time-limits.js';
export {
  TRANSFER_SECONDS,
  TransferAddress,
  TransferHeaders,
  TransferRequest,
  isTransferAddress
} from './transfer.js';

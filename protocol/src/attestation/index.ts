export { type ConfidentialSpaceClaims } from './claims.js';
export { isJobAddress, JOB_VARIABLE } from './job-address.js';
export * from './readings.js';
export type { ExpectedGpu, TokenExpectations, TokenRequest } from './request.js';
export * from './trust.js';
export {
  STEP_CODES,
  STEPS,
  type StepCode,
  type StepId,
  type StepResult,
  type StepStatus,
  type TokenTimes,
  type TokenVerdict
} from './verdict.js';
export { verifyToken } from './verify.js';

export { requireTools } from './container/index.js';
export { openIdentity, type SimulatorIdentity } from './issuer/index.js';
export {
  END_REASONS,
  findAttempt,
  forgetAttempt,
  listAttempts,
  startAttempt,
  stopAttempt,
  type AttemptHandle,
  type AttemptOrder,
  type AttemptStatus,
  type EndReason
} from './runner/index.js';

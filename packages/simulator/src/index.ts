export { openIdentity, type SimulatorIdentity } from './issuer/identity.js';
export {
  findAttempt,
  forgetAttempt,
  listAttempts,
  startAttempt,
  stopAttempt,
  type AttemptHandle,
  type AttemptStatus,
  type StartAttemptOptions
} from './runner/attempts.js';
export { machineOf } from './runner/machine.js';

export { type SimulatorIdentity, openIdentity } from './issuer/identity.js';
export {
  type AttemptHandle,
  type AttemptStatus,
  findAttempt,
  type StartAttemptOptions,
  startAttempt,
  stopAttempt
} from './runner/attempts.js';

export {
  findAttempt,
  forgetAttempt,
  listAttempts,
  startAttempt,
  stopAttempt,
  type AttemptHandle,
  type AttemptOrder,
  type AttemptStatus
} from './attempts.js';
export { END_REASONS, type EndReason } from './attempt-folder.js';

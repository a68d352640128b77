export { OutputRelease } from './output-release.js';
export {
  RUN_AUDIENCE,
  type RunPredicate,
  RunStatement,
  readRunStatement,
  runNonce,
  encodeRunStatement
} from './run-statement.js';
export {
  DECISION_TRANSITIONS,
  type DecisionState,
  REVISION_TRANSITIONS,
  RUN_TRANSITIONS,
  type RevisionState,
  type RunState,
  isFinal,
  requireTransition
} from './states.js';
export {
  CellStatus,
  EXCEPTION_CLASSES,
  ExceptionClass,
  FailureClass,
  ReasonClass,
  RunFailure,
  SealedObject,
  Verdict
} from './verdict.js';

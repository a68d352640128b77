import { CleanRoomError } from '../errors/index.js';

/**
 * A table of the states to which each state may change. A state that cannot change is final. Server and clients use the same
 * tables.
 */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>;

/** The state of a submission's revision. */
export type RevisionState =
  'draft' | 'submitted' | 'approved' | 'changes-requested' | 'rejected' | 'withdrawn' | 'expired';

/** The allowed transitions of a revision. */
export const REVISION_TRANSITIONS: Transitions<RevisionState> = {
  draft: ['submitted', 'withdrawn'],
  submitted: ['approved', 'changes-requested', 'rejected', 'withdrawn', 'expired'],
  approved: ['rejected', 'withdrawn', 'expired'],
  'changes-requested': [],
  rejected: [],
  withdrawn: [],
  expired: []
};

/** The state of a provider's decision on a revision. */
export type DecisionState = 'pending' | 'approved' | 'changes-requested' | 'rejected' | 'revoked' | 'expired';

/** The allowed transitions of a decision. */
export const DECISION_TRANSITIONS: Transitions<DecisionState> = {
  pending: ['approved', 'changes-requested', 'rejected', 'expired'],
  approved: ['revoked', 'expired'],
  'changes-requested': [],
  rejected: [],
  revoked: [],
  expired: []
};

/** The state of a run. */
export type RunState =
  | 'queued'
  | 'starting'
  | 'awaiting-keys'
  | 'running'
  | 'output-review'
  | 'completed'
  | 'failed'
  | 'cancelled';

/** The allowed transitions of a run. */
export const RUN_TRANSITIONS: Transitions<RunState> = {
  queued: ['starting', 'failed', 'cancelled'],
  starting: ['awaiting-keys', 'running', 'failed', 'cancelled'],
  'awaiting-keys': ['running', 'failed', 'cancelled'],
  running: ['output-review', 'completed', 'failed', 'cancelled'],
  'output-review': ['completed', 'failed', 'cancelled'],
  completed: [],
  failed: [],
  cancelled: []
};

/** Returns whether a state is final: it cannot change. */
export function isFinal<State extends string>(transitions: Transitions<State>, state: State): boolean {
  return transitions[state].length === 0;
}

/**
 * Checks that a transition is allowed.
 *
 * @throws CleanRoomError `conflict` when the table does not allow it
 *
 * @example
 * ```ts
 * import { requireTransition, RUN_TRANSITIONS } from '@clean-room/protocol/runs';
 *
 * requireTransition(RUN_TRANSITIONS, 'queued', 'starting');
 * try {
 *   requireTransition(RUN_TRANSITIONS, 'completed', 'running');
 * } catch (error) {
 *   console.log(error.message); // The state cannot change from completed to running.
 * }
 * ```
 */
export function requireTransition<State extends string>(
  transitions: Transitions<State>,
  from: State,
  to: State
): void {
  if (!transitions[from].includes(to)) {
    throw new CleanRoomError('conflict', `The state cannot change from ${from} to ${to}.`, {
      details: { from, to }
    });
  }
}

import { CleanRoomError } from '../errors/index.js';

/** Every move that is allowed, written once for server, clients and screens. A state without moves is final. */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>;

export type RevisionState =
  'draft' | 'submitted' | 'approved' | 'changes-requested' | 'rejected' | 'withdrawn' | 'expired';

export const REVISION_TRANSITIONS: Transitions<RevisionState> = {
  draft: ['submitted', 'withdrawn'],
  submitted: ['approved', 'changes-requested', 'rejected', 'withdrawn', 'expired'],
  approved: ['rejected', 'withdrawn', 'expired'],
  'changes-requested': [],
  rejected: [],
  withdrawn: [],
  expired: []
};

export type DecisionState = 'pending' | 'approved' | 'changes-requested' | 'rejected' | 'revoked' | 'expired';

export const DECISION_TRANSITIONS: Transitions<DecisionState> = {
  pending: ['approved', 'changes-requested', 'rejected', 'expired'],
  approved: ['revoked', 'expired'],
  'changes-requested': [],
  rejected: [],
  revoked: [],
  expired: []
};

export type RunState =
  | 'queued'
  | 'starting'
  | 'awaiting-keys'
  | 'running'
  | 'output-review'
  | 'completed'
  | 'failed'
  | 'cancelled';

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

export function isFinal<State extends string>(moves: Transitions<State>, state: State): boolean {
  return moves[state].length === 0;
}

/** @throws CleanRoomError `conflict` when the table does not have the move */
export function requireTransition<State extends string>(
  moves: Transitions<State>,
  from: State,
  to: State
): void {
  if (!moves[from].includes(to)) {
    throw new CleanRoomError('conflict', `It is ${from} and can not become ${to}.`, {
      details: { from, to }
    });
  }
}

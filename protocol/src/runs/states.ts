import { CleanRoomError } from '../errors/index.js';

/** Every move that is allowed, written once for server, clients and screens. A state without moves is final. */
export type Moves<State extends string> = Readonly<Record<State, readonly State[]>>;

export type RevisionState =
  'draft' | 'submitted' | 'approved' | 'changes-requested' | 'rejected' | 'withdrawn' | 'expired';

export const REVISION_MOVES: Moves<RevisionState> = {
  draft: ['submitted', 'withdrawn'],
  submitted: ['approved', 'changes-requested', 'rejected', 'withdrawn', 'expired'],
  approved: ['rejected', 'withdrawn', 'expired'],
  'changes-requested': [],
  rejected: [],
  withdrawn: [],
  expired: []
};

export type DecisionState = 'pending' | 'approved' | 'changes-requested' | 'rejected' | 'revoked' | 'expired';

export const DECISION_MOVES: Moves<DecisionState> = {
  pending: ['approved', 'changes-requested', 'rejected', 'expired'],
  approved: ['revoked', 'expired'],
  'changes-requested': [],
  rejected: [],
  revoked: [],
  expired: []
};

export type RunState =
  'queued' | 'starting' | 'awaiting-keys' | 'running' | 'output-review' | 'released' | 'failed' | 'cancelled';

export const RUN_MOVES: Moves<RunState> = {
  queued: ['starting', 'failed', 'cancelled'],
  starting: ['awaiting-keys', 'running', 'failed', 'cancelled'],
  'awaiting-keys': ['running', 'failed', 'cancelled'],
  running: ['output-review', 'released', 'failed', 'cancelled'],
  'output-review': ['released', 'failed', 'cancelled'],
  released: [],
  failed: [],
  cancelled: []
};

export function isFinal<State extends string>(moves: Moves<State>, state: State): boolean {
  return moves[state].length === 0;
}

/** @throws CleanRoomError `conflict` when the table does not have the move */
export function requireMove<State extends string>(moves: Moves<State>, from: State, to: State): void {
  if (!moves[from].includes(to)) {
    throw new CleanRoomError('conflict', `It is ${from} and can not become ${to}.`, {
      details: { from, to }
    });
  }
}

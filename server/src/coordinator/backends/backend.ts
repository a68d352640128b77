import type { Digest } from '@clean-room/protocol/bytes';
import type { PkiRoot } from '@clean-room/protocol/attestation';

/** The settings of one TEE. */
export interface AttemptPlan {
  /** Id of the attempt. Starting the same attempt again does not start a second TEE. */
  readonly attempt: string;
  readonly image: Digest;
  /** The value of `CLEAN_ROOM_JOB`: the address of the attempt's job. */
  readonly job: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** Time after which the backend itself ends the TEE, in seconds. */
  readonly wallSeconds: number;
}

/** The status of an attempt's TEE. */
export type TeeStatus =
  /** The backend has never started it, or has already deleted it. */
  | { readonly state: 'unknown' }
  | { readonly state: 'running' }
  | {
      readonly state: 'ended';
      readonly code: 'run-failed' | 'backend-unavailable';
      /** Explanation for people. */
      readonly detail?: string;
    };

/** The machine that the attestation tokens of an attempt must describe (`submods.gce` of the token). */
export interface TeeMachine {
  readonly projectId: string;
  /** Absent while the backend does not know it. */
  readonly zone?: string;
  /** Absent while the backend does not know it. */
  readonly instanceName?: string;
}

/** Starts and stops TEEs. Only the coordinator relies on what it reports; the proof for others is the attestation token. */
export interface TeeBackend {
  /** The kind of sealed data that its TEEs can open. */
  readonly sealedFor: 'simulation' | 'hardware';
  /** The roots of its TEEs' attestation tokens. They are trusted for runs without assets, to which no policy applies. */
  readonly roots: readonly PkiRoot[];
  /**
   * Starts a TEE. Resolves when the TEE would start even if this process ended.
   *
   * @throws CleanRoomError `backend-unavailable` when it cannot be started, `unavailable` when a later attempt may succeed
   */
  start(plan: AttemptPlan): Promise<void>;
  /** Returns the status of an attempt's TEE. */
  status(attempt: string): Promise<TeeStatus>;
  /** Ends the TEE and frees its resources, if it exists. */
  stop(attempt: string): Promise<void>;
  /** Returns the machine that the tokens of an attempt must describe, as far as it is known. */
  machineOf(attempt: string): Promise<TeeMachine>;
}

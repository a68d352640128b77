import type { Digest } from '@clean-room/protocol/bytes';

export interface AttemptPlan {
  /** Starting the same attempt again starts no second TEE. */
  readonly attempt: string;
  readonly image: Digest;
  /** The address that `CLEAN_ROOM_JOB` is set to. */
  readonly job: string;
  readonly processors: number;
  readonly memoryBytes: number;
  /** After which the backend itself ends the TEE. */
  readonly wallSeconds: number;
}

export type TeeStatus =
  /** The backend has never been asked for it, or has cleared it away. */
  | { readonly state: 'unknown' }
  | { readonly state: 'running' }
  | {
      readonly state: 'ended';
      readonly code: 'run-failed' | 'backend-unavailable';
      /** What people should know of it. */
      readonly detail?: string;
    };

/** Where TEEs come from. What it says is believed by nobody but the coordinator: proof is the token. */
export interface TeeBackend {
  /** `simulation` runs what is sealed for simulation, `hardware` what is sealed for hardware. */
  readonly sealedFor: 'simulation' | 'hardware';
  /**
   * Resolves once the TEE is on its way and would go on without this process.
   * @throws CleanRoomError `backend-unavailable` when it can't be started at all, `unavailable` when a later try may help
   */
  start(plan: AttemptPlan): Promise<void>;
  status(attempt: string): Promise<TeeStatus>;
  /** Ends the TEE and frees what it held. Stopping what is not there is no error. */
  stop(attempt: string): Promise<void>;
}

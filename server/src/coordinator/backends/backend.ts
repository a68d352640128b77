import type { PkiRoot } from '@clean-room/protocol/attestation';
import type { Digest } from '@clean-room/protocol/bytes';

/** The kinds of TEE. A `SIMULATED` one protects nothing. */
export type TeeKind = 'SEV' | 'TDX' | 'SIMULATED';

/** A machine size that a backend offers. */
export interface TeeShape {
  readonly tee: TeeKind;
  /** The backend's own name of the size, for people. */
  readonly name: string;
  readonly processors: number;
  /** Memory that a notebook can ask for. */
  readonly memoryBytes: number;
  /** Approximate price of one hour in US dollars, when the operator has configured it. */
  readonly dollarsPerHour?: number;
}

/** The TEEs that a backend can start. */
export interface TeeCapabilities {
  /** The kinds of TEE, the preferred kind first. */
  readonly tees: readonly TeeKind[];
  /** The machine sizes of these kinds, the smallest of a kind first. */
  readonly shapes: readonly TeeShape[];
}

/** The settings of one TEE. */
export interface AttemptPlan {
  /** Id of the attempt. Starting the same attempt again does not start a second TEE. */
  readonly attempt: string;
  readonly image: Digest;
  /** The image's registry reference with the same digest, for a backend that pulls images from a registry. */
  readonly imageReference?: string;
  readonly tee: TeeKind;
  readonly processors: number;
  readonly memoryBytes: number;
  /** Disk space for the unpacked image, the assets and the notebook's files. */
  readonly diskBytes: number;
  /** Time after which the backend itself ends the TEE, even if the coordinator does not exist any more. In seconds. */
  readonly deadlineSeconds: number;
  /** The value of `CLEAN_ROOM_JOB`: the address of the attempt's job. It is not a secret. */
  readonly job: string;
  /** Ids by which the operator can find the TEE. They have no effect. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The reasons why a TEE ended or did not start, as its backend sees them. A result is what the supervisor delivered. */
export type TeeEnd =
  /** The provider of the machine took it back. */
  | 'preempted'
  /** No zone had a machine of this size. */
  | 'out-of-capacity'
  /** The operator's quota does not allow another machine. */
  | 'quota'
  /** The machine was created, but did not start. */
  | 'boot-failed'
  /** The machine started, but did not run the image. */
  | 'launcher-failed'
  /** The machine disappeared. */
  | 'lost'
  /** It was stopped: by a person, by this server or at its deadline. */
  | 'stopped'
  /** The program ended by itself. */
  | 'finished';

/** The status of an attempt's TEE. */
export type TeeStatus =
  /**
   * The backend does not know it: it was never started, has already been deleted, or is not visible yet. This is not an end,
   * because a backend that just started a TEE may not list it for some time.
   */
  | { readonly state: 'unknown' }
  | { readonly state: 'starting' }
  | { readonly state: 'running' }
  | {
      readonly state: 'ended';
      readonly reason: TeeEnd;
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

/** An entry of a machine's log. */
export interface TeeLogEntry {
  readonly at: string;
  readonly severity: string;
  readonly message: string;
}

/** The output of a machine. The machine and the operator can write it, so it proves nothing. */
export interface TeeConsole {
  /** The serial console, or its end. Absent when the machine does not exist any more. */
  readonly serial?: string;
  /** The entries of its launcher, oldest first. */
  readonly log: readonly TeeLogEntry[];
}

/**
 * Starts and stops TEEs. All operations can be repeated, and continue after a crash of any process. Only the coordinator relies
 * on what a backend reports; the proof for others is the attestation token.
 */
export interface TeeBackend {
  /** The kind of sealed data that its TEEs can open. */
  readonly sealedFor: 'simulation' | 'hardware';
  /** The roots of its TEEs' attestation tokens. They are trusted for runs without assets, to which no policy applies. */
  readonly roots: readonly PkiRoot[];
  readonly capabilities: TeeCapabilities;
  /**
   * Starts a TEE, unless the attempt has been started or stopped before. Resolves when the TEE would start even if this process
   * ended.
   *
   * @returns the status; `ended` when it could not be started, and nothing of it is left
   * @throws CleanRoomError `backend-unavailable` when no TEE can be started, `unavailable` when a repetition may succeed
   */
  start(plan: AttemptPlan): Promise<TeeStatus>;
  /**
   * Returns the status of each of these attempts. The number of requests does not grow with the number of attempts.
   *
   * @throws CleanRoomError `unavailable`
   */
  statuses(attempts: readonly string[]): Promise<ReadonlyMap<string, TeeStatus>>;
  /**
   * Ends the TEE and frees its resources, if it exists.
   *
   * @throws CleanRoomError `unavailable` when the TEE may still exist
   */
  stop(attempt: string): Promise<void>;
  /**
   * Returns the attempts whose TEEs use resources, also those that this process did not start.
   *
   * @throws CleanRoomError `unavailable`
   */
  list(): Promise<readonly string[]>;
  /** Returns the machine that the tokens of an attempt must describe, as far as it is known. */
  machineOf(attempt: string): Promise<TeeMachine>;
  /**
   * Returns what the machine of an attempt wrote, for operators. Absent when the backend keeps no such output.
   *
   * @throws CleanRoomError `unavailable`
   */
  console?(attempt: string): Promise<TeeConsole>;
}

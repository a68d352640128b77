import type { AttestationTrust } from './trust.js';

/** What a GPU in a token must be. A list that is absent is not asked for. */
export interface ExpectedGpu {
  readonly hwmodels?: readonly string[];
  readonly driverVersions?: readonly string[];
  readonly vbiosVersions?: readonly string[];
}

/** What the token must say. Each check runs when its expectation is given and is `not-asked` otherwise. */
export interface TokenExpectations {
  readonly audience?: string;
  /** All of these must be among the token's nonces. */
  readonly nonces?: readonly string[];
  /** One digest, or several of which one must be the token's. */
  readonly imageDigest?: string | readonly string[];
  readonly projectId?: string;
  readonly zone?: string;
  /** Exactly these, in any order. */
  readonly serviceAccounts?: readonly string[];
  /** The whole argument vector. */
  readonly args?: readonly string[];
  /**
   * What the operator may set: every override must be here with this value, and what is here must be in the
   * environment. `CLEAN_ROOM_JOB` may always be set; of it only the form is checked.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Narrows the accepted TEEs; a model that is no TEE is refused all the same. */
  readonly hwmodels?: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly gpu?: ExpectedGpu;
}

export interface TokenRequest {
  /** `signature`: who said it and when. `production`: also that the machine is locked and runs what it should. */
  readonly profile: 'signature' | 'production';
  /** The time to judge at. A skew of 60 s is allowed for. */
  readonly at: Date;
  readonly trust: AttestationTrust;
  readonly expect?: TokenExpectations;
  /** Set only where a signed policy names the simulator. Its root must stand in `trust` as well. */
  readonly acceptSimulator?: boolean;
}

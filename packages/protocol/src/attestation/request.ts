import type { ConfidentialSpaceClaims } from './claims.js';
import type { AttestationTrust, PkiRoot } from './trust.js';

/** The GPUs that a token may name. A list that is absent is not checked. */
export interface ExpectedGpu {
  readonly hwmodels?: readonly string[];
  readonly driverVersions?: readonly string[];
  readonly vbiosVersions?: readonly string[];
}

/** The values that a token's claims must have. If an expectation is absent, its step has the status `not-asked`. */
export interface TokenExpectations {
  readonly audience?: string;
  /** All of these must be among the token's nonces. */
  readonly nonces?: readonly string[];
  /** The image digest. If there are several, the token must have one of them. */
  readonly imageDigest?: string | readonly string[];
  readonly projectId?: string;
  readonly zone?: string;
  /** The service accounts of the machine, all of them and in any order. */
  readonly serviceAccounts?: readonly string[];
  /** The arguments of the program, all of them and in order. */
  readonly args?: readonly string[];
  /**
   * The environment variables that the operator may set. Every variable that the operator set must be here with the same value,
   * and every variable here must be in the environment. `CLEAN_ROOM_JOB` is always allowed; only its form is checked.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** The accepted TEE hardware. This can only restrict the list of known TEEs: other hardware is always refused. */
  readonly hwmodels?: readonly string[];
  readonly maxAgeSeconds?: number;
  readonly gpu?: ExpectedGpu;
}

/** The rules that a token is verified by. */
export interface TokenRequest {
  /**
   * `signature` checks who issued the token and when. `production` also checks that the machine is locked: not a debug image,
   * not monitored, with the command of the image.
   */
  readonly profile: 'signature' | 'production';
  /** The time at which the token must be valid. Clocks may differ by 60 s. */
  readonly at: Date;
  readonly trust: AttestationTrust;
  readonly expect?: TokenExpectations;
  /** Accepts simulated tokens. Set it only if a signed policy names the simulator; its root must also be in `trust`. */
  readonly acceptSimulator?: boolean;
}

/** A token whose signature is valid, and what its claims are compared with. */
export interface AppraisalSubject {
  readonly claims: ConfidentialSpaceClaims;
  readonly request: TokenRequest;
  readonly expect: TokenExpectations;
  /** Whether the profile is `production`. */
  readonly production: boolean;
  /** The trusted root of the token's certificate chain; `undefined` for OIDC tokens. */
  readonly root: PkiRoot | undefined;
}

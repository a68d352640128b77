import type { ConfidentialSpaceClaims } from './claims.js';
import type { PkiRoot } from './trust.js';

/**
 * The steps of verifying a token, in the order in which they are done and reported, with their titles. The comment after a step
 * lists its failure codes. PKI tokens have the steps `certificates`, `root`, `chain` and `certificate-times`; OIDC tokens have
 * the step `key` instead. All other steps are the same for both.
 *
 * The steps up to `claims` find out who issued the token. Each of them needs the previous one, so after a failure the others are
 * `not-reached`. The steps from `simulator` on check the claims independently of each other, so that a report names everything
 * that is wrong.
 */
export const STEPS = {
  format: 'The token has the compact form of a signed token', // token-malformed
  header: 'The header names RS256 and brings no key of its own', // algorithm-refused, header-refused, x5c-count
  issuer: 'The issuer is known', // issuer-unknown
  key: 'The signing key is one of the issuer’s known keys', // key-unknown, key-refused
  certificates: 'The certificates are readable', // certificate-malformed
  root: 'The chain ends in a trusted root', // root-unknown, root-issuer-mismatch
  chain: 'Each certificate is issued and signed by the next', // see ChainCode
  'certificate-times': 'All certificates are valid at the given time', // certificate-expired, certificate-not-yet-valid
  signature: 'The signature is valid', // signature-invalid
  claims: 'The claims have the expected form', // claims-malformed
  simulator: 'The token is not simulated, or the policy accepts the simulator', // simulator-refused, simulator-inconsistent
  times: 'The token is valid at the given time', // token-expired, token-not-yet-valid, token-times
  age: 'The token is recent enough', // token-too-old
  audience: 'The token is for the expected audience', // audience-mismatch
  nonces: 'The token has the expected nonces', // nonce-missing, nonce-count
  software: 'The machine runs Confidential Space', // software-refused
  debug: 'Debugging has been off since boot', // debug-enabled
  'secure-boot': 'Secure boot is on', // secure-boot-off
  hardware: 'The hardware is an accepted TEE', // hardware-refused
  support: 'The Confidential Space image is a stable release', // not-stable
  image: 'The program is the expected image', // image-digest-mismatch
  command: 'The operator did not change the command of the image', // command-overridden
  arguments: 'The program has the expected arguments', // arguments-mismatch
  environment: 'The operator set only the expected environment variables', // environment-unexpected, environment-mismatch, job-address-form
  restart: 'The program is not restarted when it ends', // restart-refused
  monitoring: 'The operator does not monitor memory', // memory-monitored
  project: 'The machine runs in the expected project', // project-mismatch
  zone: 'The machine runs in the expected zone', // zone-mismatch
  'service-accounts': 'The machine has exactly the expected service accounts', // service-accounts-mismatch
  gpu: 'Every GPU is in confidential mode', // gpu-missing, gpu-not-confidential
  'gpu-models': 'Every GPU has an expected model, driver and firmware' // gpu-refused
} as const;

/** The name of a step of {@link STEPS}. */
export type StepId = keyof typeof STEPS;

/** The failure codes of the steps `certificates` to `certificate-times`. */
const CHAIN_CODES = [
  'certificate-malformed', // not one certificate in DER (or PEM), or not X.509 version 3
  'root-unknown', // the last certificate is not a trusted root
  'root-issuer-mismatch', // a hardware root with the simulator's issuer, or the reverse
  'certificate-extension', // an extension occurs twice, or a critical extension is unknown
  'certificate-algorithm', // not RSA with SHA-256, -384 or -512
  'certificate-key', // not RSA with 2048 to 8192 bits and a usual exponent
  'leaf-is-ca', // the first certificate is allowed to issue certificates
  'not-a-ca', // the second or third certificate is not
  'certificate-usage', // the extension keyUsage does not allow this use
  'path-length', // the chain is longer than a certificate allows
  'chain-broken', // a certificate does not name the next one as its issuer
  'chain-signature', // a certificate is not signed by the next one
  'certificate-expired',
  'certificate-not-yet-valid'
] as const;
/** One of the failure codes of the certificate chain. */
export type ChainCode = (typeof CHAIN_CODES)[number];

/** All failure codes. The set is closed: programs may depend on it. */
export const STEP_CODES = [
  'token-malformed', // not three parts of base64url, header or payload is not a JSON object, or over 64 KiB
  'algorithm-refused', // not RS256
  'header-refused', // jwk, jku, x5u, crit or another field with which a token could choose its own rules
  'x5c-count', // not exactly three certificates
  'issuer-unknown',
  'key-unknown', // not exactly one key of the issuer has the token's kid
  'key-refused', // not an RSA key for RS256 with at least 2048 bits
  ...CHAIN_CODES,
  'signature-invalid',
  'claims-malformed',
  'simulator-refused', // the policy does not accept the simulator
  'simulator-inconsistent', // issuer, hardware and root disagree on whether the token is simulated
  'token-expired',
  'token-not-yet-valid',
  'token-times', // the end is before the beginning
  'token-too-old',
  'audience-mismatch',
  'nonce-missing',
  'nonce-count', // more nonces than Google's service allows
  'software-refused',
  'debug-enabled',
  'secure-boot-off',
  'hardware-refused',
  'not-stable',
  'image-digest-mismatch',
  'command-overridden',
  'arguments-mismatch',
  'environment-unexpected', // the operator set a variable that is not expected
  'environment-mismatch', // an expected variable has another value or is missing
  'job-address-form', // the job variable is not a job address
  'restart-refused',
  'memory-monitored',
  'project-mismatch',
  'zone-mismatch',
  'service-accounts-mismatch',
  'gpu-missing',
  'gpu-not-confidential',
  'gpu-refused'
] as const;
/** One of {@link STEP_CODES}. */
export type StepCode = (typeof STEP_CODES)[number];

/**
 * The result of a step. `not-asked`: it needs an expectation or a profile that was not given. `not-reached`: an earlier step
 * failed.
 */
export type StepStatus = 'pass' | 'fail' | 'not-asked' | 'not-reached';

/** A step with its result. */
export interface StepResult {
  readonly id: StepId;
  readonly title: string;
  readonly status: StepStatus;
  /** The reason of a failure. Present if, and only if, the step failed. */
  readonly code?: StepCode;
  /** The finding, in one sentence. It may quote claims, shortened. */
  readonly detail: string;
}

/** The times of a token. */
export interface TokenTimes {
  readonly issuedAt: Date;
  readonly notBefore: Date;
  readonly expiresAt: Date;
}

/** The result of verifying a token. */
export interface TokenAppraisal {
  readonly steps: readonly StepResult[];
  /** Whether no step failed. */
  readonly ok: boolean;
  /** The kind of the token; absent if its header is not readable. */
  readonly kind?: 'oidc' | 'pki';
  /** The claims, if the signature is valid and the claims have the expected form. Later steps may have failed. */
  readonly claims?: ConfidentialSpaceClaims;
  readonly times?: TokenTimes;
  /** The root that the certificates of a PKI token lead to, if it is trusted. */
  readonly root?: PkiRoot;
  /** Whether the issuer, the hardware or the root says that the token is simulated, even if its signature is not valid. */
  readonly simulated: boolean;
}

/** The result of a step, without its name and title. */
export type StepOutcome =
  | { readonly status: 'pass' | 'not-asked'; readonly detail: string }
  | { readonly status: 'fail'; readonly code: StepCode; readonly detail: string };

/** Returns the outcome of a step that passed. */
export const pass = (detail: string): StepOutcome => ({ status: 'pass', detail });
/** Returns the outcome of a step that failed. */
export const fail = (code: StepCode, detail: string): StepOutcome => ({ status: 'fail', code, detail });
/** Returns the outcome of a step whose expectation was not given. */
export const notAsked = (detail = 'There is no expectation to check.'): StepOutcome => ({
  status: 'not-asked',
  detail
});

/** The outcome of a step that only the profile `production` has. */
export const NOT_IN_PROFILE = notAsked('The profile “signature” does not check this.');

/** Returns a value of a token for a sentence: as JSON, and shortened, because it may come from an attacker. */
export function quote(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length <= 120 ? text : `${text.slice(0, 117)}…`;
}

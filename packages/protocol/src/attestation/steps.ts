import type { ConfidentialSpaceClaims } from './claims.js';

/**
 * Every step, in the order in which it is taken and reported. A PKI token takes `certificates`, `root`, `chain` and
 * `certificate-times`, an OIDC token takes `key` in their place; everything else is common to both.
 *
 * The first eight establish who speaks. Each needs the one before, so the first failure ends them and what follows is
 * `not-reached`. The steps from `times` on judge the claims, each by itself, so that all that is wrong is named at once.
 * A step's failure codes stand beside it.
 */
export const STEPS = {
  format: 'The token is a signed token of the compact form', // token-malformed
  header: 'The header asks for RS256 and brings no key of its own', // algorithm-refused, header-refused, x5c-count
  issuer: 'The issuer is one that is known', // issuer-unknown
  key: 'The signing key is one of the issuer’s known keys', // key-unknown, key-refused
  certificates: 'The certificates can be read', // certificate-malformed
  root: 'The chain ends in a trusted root', // root-unknown, root-issuer-mismatch
  chain: 'Each certificate is issued and signed by the next', // see ChainCode
  'certificate-times': 'All certificates are valid at that time', // certificate-expired, certificate-not-yet-valid
  signature: 'The signature holds', // signature-invalid
  claims: 'The claims have the expected form', // claims-malformed
  simulator: 'A simulated token is accepted only where a policy names the simulator', // simulator-refused, simulator-inconsistent
  times: 'The token is valid at that time', // token-expired, token-not-yet-valid, token-times
  age: 'The token is fresh', // token-too-old
  audience: 'The token is for the expected audience', // audience-mismatch
  nonces: 'The token carries the expected nonces', // nonce-missing, nonce-count
  software: 'The machine runs Confidential Space', // software-refused
  debug: 'Debugging is off since boot', // debug-enabled
  'secure-boot': 'Secure boot is on', // secure-boot-off
  hardware: 'The hardware is an accepted TEE', // hardware-refused
  support: 'The Confidential Space image is a stable one', // not-stable
  image: 'The program is the expected image', // image-digest-mismatch
  command: 'The operator left the image’s command alone', // command-overridden
  arguments: 'The program was started with the expected arguments', // arguments-mismatch
  environment: 'The operator set only the expected environment', // environment-unexpected, environment-mismatch, job-address-form
  restart: 'The program is started once, not again and again', // restart-refused
  monitoring: 'The operator does not monitor memory', // memory-monitored
  project: 'The machine runs in the expected project', // project-mismatch
  zone: 'The machine runs in the expected zone', // zone-mismatch
  'service-accounts': 'The machine acts as exactly the expected service accounts', // service-accounts-mismatch
  gpu: 'Every GPU is in confidential mode', // gpu-missing, gpu-not-confidential
  'gpu-models': 'Every GPU is of an expected model, driver and firmware' // gpu-refused
} as const;

export type StepId = keyof typeof STEPS;

/** Failures of the certificate walk, steps `certificates` to `certificate-times`. */
export const CHAIN_CODES = [
  'certificate-malformed', // not one certificate in DER (or PEM), or not X.509 version 3
  'root-unknown', // the last certificate is not a trusted root
  'root-issuer-mismatch', // a root of hardware under a simulated issuer, or the reverse
  'certificate-extension', // an extension twice, or a critical one that this program does not know
  'certificate-algorithm', // not RSA with SHA-256, -384 or -512
  'certificate-key', // not RSA of 2048 to 8192 bits with an ordinary exponent
  'leaf-is-ca', // the first certificate may issue others
  'not-a-ca', // the second or third may not
  'certificate-usage', // a keyUsage that does not allow this use
  'path-length', // more certificates than the root allows
  'chain-broken', // a certificate does not name the next as its issuer
  'chain-signature', // a certificate is not signed by the next
  'certificate-expired',
  'certificate-not-yet-valid'
] as const;
export type ChainCode = (typeof CHAIN_CODES)[number];

/** The closed set of failure codes. */
export const STEP_CODES = [
  'token-malformed', // not three parts of base64url, or header or payload no JSON object, or over 64 KiB
  'algorithm-refused', // any other algorithm than RS256
  'header-refused', // jwk, jku, x5u, crit and what else would let the token choose its own rules
  'x5c-count', // not exactly three certificates
  'issuer-unknown',
  'key-unknown', // no such kid among the issuer's keys
  'key-refused', // the key is no RSA key of at least 2048 bits for RS256
  ...CHAIN_CODES,
  'signature-invalid',
  'claims-malformed',
  'simulator-refused', // nobody asked for the simulator
  'simulator-inconsistent', // issuer, hardware and root disagree on whether this is a simulation
  'token-expired',
  'token-not-yet-valid',
  'token-times', // ends before it begins
  'token-too-old',
  'audience-mismatch',
  'nonce-missing',
  'nonce-count', // more than the service gives
  'software-refused',
  'debug-enabled',
  'secure-boot-off',
  'hardware-refused',
  'not-stable',
  'image-digest-mismatch',
  'command-overridden',
  'arguments-mismatch',
  'environment-unexpected', // the operator set a variable that nobody expects
  'environment-mismatch', // a variable has another value than expected, or is missing
  'job-address-form', // the job variable is no job address
  'restart-refused',
  'memory-monitored',
  'project-mismatch',
  'zone-mismatch',
  'service-accounts-mismatch',
  'gpu-missing',
  'gpu-not-confidential',
  'gpu-refused'
] as const;
export type StepCode = (typeof STEP_CODES)[number];

/** `not-asked`: needs an expectation or a profile that was not given. `not-reached`: an earlier step failed. */
export type StepStatus = 'pass' | 'fail' | 'not-asked' | 'not-reached';

export interface StepResult {
  readonly id: StepId;
  readonly title: string;
  readonly status: StepStatus;
  /** Present exactly on failure. */
  readonly code?: StepCode;
  /** What was found, in one sentence. May quote claims, cut to a readable length. */
  readonly detail: string;
}

export interface TokenTimes {
  readonly issuedAt: Date;
  readonly notBefore: Date;
  readonly expiresAt: Date;
}

export interface TokenAppraisal {
  readonly steps: readonly StepResult[];
  /** No step failed and none was left out for a failure. */
  readonly ok: boolean;
  /** Absent when not even the header could be read. */
  readonly kind?: 'oidc' | 'pki';
  /** Present once the signature holds and the claims have their form, whatever else failed. */
  readonly claims?: ConfidentialSpaceClaims;
  readonly times?: TokenTimes;
  /** Whether anything about the token says that it is simulated, believed or not. */
  readonly simulated: boolean;
}

/** What one step found. */
export type StepOutcome =
  | { readonly status: 'pass' | 'not-asked'; readonly detail: string }
  | { readonly status: 'fail'; readonly code: StepCode; readonly detail: string };

export const pass = (detail: string): StepOutcome => ({ status: 'pass', detail });
export const fail = (code: StepCode, detail: string): StepOutcome => ({ status: 'fail', code, detail });
export const notAsked = (detail = 'Nothing was expected of it.'): StepOutcome => ({
  status: 'not-asked',
  detail
});

/** A value of the token in a sentence: quoted, and cut, since whoever made the token chose it. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= 120 ? text : `${text.slice(0, 117)}…`;
}

import { commandOverride, nonces, supportAttributes, type ConfidentialSpaceClaims } from './claims.js';
import { checkEnvironment } from './environment.js';
import { checkGpuMode, checkGpuModels, checkHardware, checkSimulator } from './machine.js';
import type { AppraisalSubject, TokenExpectations } from './request.js';
import {
  fail,
  NOT_IN_PROFILE,
  notAsked,
  pass,
  quote,
  type StepCode,
  type StepId,
  type StepOutcome
} from './steps.js';

/** A step that checks claims of a token whose signature is valid. */
export interface AppraisalStep {
  readonly id: StepId;
  readonly check: (subject: AppraisalSubject) => StepOutcome;
}

/** The allowed difference between the clocks of the issuer and of the verifier. */
const SKEW_SECONDS = 60;
/** The most nonces that Google's service puts into a token. */
const MAXIMUM_NONCES = 6;

function checkTimes({ claims: { exp, nbf, iat }, request }: AppraisalSubject): StepOutcome {
  const now = request.at.getTime() / 1000;
  const format = (seconds: number) => new Date(seconds * 1000).toISOString();
  if (exp <= iat || exp <= nbf) return fail('token-times', 'The token expires before it becomes valid.');
  if (now > exp + SKEW_SECONDS) return fail('token-expired', `The token expired at ${format(exp)}.`);
  const begins = Math.max(nbf, iat);
  if (now < begins - SKEW_SECONDS)
    return fail('token-not-yet-valid', `The token becomes valid at ${format(begins)}.`);
  return pass(`Issued at ${format(iat)}, valid until ${format(exp)}.`);
}

function checkAge({ claims: { iat }, request, expect: { maxAgeSeconds } }: AppraisalSubject): StepOutcome {
  if (maxAgeSeconds === undefined) return notAsked();
  const seconds = Math.round(request.at.getTime() / 1000 - iat);
  const detail = `The token is ${seconds} s old; ${maxAgeSeconds} s are allowed.`;
  return seconds <= maxAgeSeconds ? pass(detail) : fail('token-too-old', detail);
}

function checkNonces({ claims, expect }: AppraisalSubject): StepOutcome {
  const found = nonces(claims);
  if (found.length > MAXIMUM_NONCES) {
    return fail(
      'nonce-count',
      `The token has ${found.length} nonces; at most ${MAXIMUM_NONCES} are allowed.`
    );
  }
  if (expect.nonces === undefined) return notAsked();
  const missing = expect.nonces.filter(nonce => !found.includes(nonce));
  return missing.length === 0
    ? pass(`The token has all expected nonces (${expect.nonces.length} of its ${found.length}).`)
    : fail('nonce-missing', `The token does not have ${quote(missing)}.`);
}

/**
 * Returns the check of a claim that must have one certain value in the profile `production`.
 *
 * @param holds - returns whether the claim has this value
 * @param read - returns the value, for the report
 */
function requiredInProduction(
  code: StepCode,
  holds: (claims: ConfidentialSpaceClaims) => boolean,
  read: (claims: ConfidentialSpaceClaims) => unknown
) {
  return ({ claims, production }: AppraisalSubject): StepOutcome => {
    if (!production) return NOT_IN_PROFILE;
    const detail = `Found ${quote(read(claims))}.`;
    return holds(claims) ? pass(detail) : fail(code, detail);
  };
}

/**
 * Returns the check of a claim that must have an expected value, if one was given.
 *
 * @param wanted - returns the expected value, or several of which the claim must have one
 * @param read - returns the value of the claim
 */
function expected(
  code: StepCode,
  wanted: (expect: TokenExpectations) => string | readonly string[] | undefined,
  read: (claims: ConfidentialSpaceClaims) => string | undefined
) {
  return ({ claims, expect }: AppraisalSubject): StepOutcome => {
    const want = wanted(expect);
    if (want === undefined) return notAsked();
    const found = read(claims);
    const holds = found !== undefined && (typeof want === 'string' ? [want] : want).includes(found);
    return holds
      ? pass(`Found ${quote(found)}.`)
      : fail(code, `Expected ${quote(want)}, found ${quote(found)}.`);
  };
}

function checkArguments({ claims, expect: { args } }: AppraisalSubject): StepOutcome {
  if (args === undefined) return notAsked();
  const found = claims.submods.container.args ?? [];
  const same = found.length === args.length && args.every((argument, index) => found[index] === argument);
  const detail = `Found ${quote(found)}.`;
  return same ? pass(detail) : fail('arguments-mismatch', `Expected ${quote(args)}. ${detail}`);
}

function checkServiceAccounts({
  claims,
  expect: { serviceAccounts: wanted }
}: AppraisalSubject): StepOutcome {
  if (wanted === undefined) return notAsked();
  const found = claims.google_service_accounts ?? [];
  const same =
    found.every(account => wanted.includes(account)) && wanted.every(account => found.includes(account));
  const detail = `Found ${quote(found)}.`;
  return same ? pass(detail) : fail('service-accounts-mismatch', `Expected ${quote(wanted)}. ${detail}`);
}

/** The steps that check claims, in order. They do not depend on each other. */
export const APPRAISAL_STEPS: readonly AppraisalStep[] = [
  { id: 'simulator', check: checkSimulator },
  { id: 'times', check: checkTimes },
  { id: 'age', check: checkAge },
  {
    id: 'audience',
    check: expected(
      'audience-mismatch',
      expect => expect.audience,
      claims => claims.aud
    )
  },
  { id: 'nonces', check: checkNonces },
  {
    id: 'software',
    check: requiredInProduction(
      'software-refused',
      ({ swname }) => swname === 'CONFIDENTIAL_SPACE',
      ({ swname }) => swname
    )
  },
  {
    id: 'debug',
    check: requiredInProduction(
      'debug-enabled',
      // Any other value counts as debug, including values that are unknown today.
      ({ dbgstat }) => dbgstat === 'disabled-since-boot',
      ({ dbgstat }) => dbgstat
    )
  },
  {
    id: 'secure-boot',
    check: requiredInProduction(
      'secure-boot-off',
      ({ secboot }) => secboot,
      ({ secboot }) => secboot
    )
  },
  { id: 'hardware', check: checkHardware },
  {
    id: 'support',
    check: requiredInProduction(
      'not-stable',
      claims => supportAttributes(claims).includes('STABLE'),
      supportAttributes
    )
  },
  {
    id: 'image',
    check: expected(
      'image-digest-mismatch',
      expect => expect.imageDigest,
      claims => claims.submods.container.image_digest
    )
  },
  {
    id: 'command',
    check: requiredInProduction(
      'command-overridden',
      claims => commandOverride(claims).length === 0,
      commandOverride
    )
  },
  { id: 'arguments', check: checkArguments },
  { id: 'environment', check: checkEnvironment },
  {
    id: 'restart',
    check: requiredInProduction(
      'restart-refused',
      claims => claims.submods.container.restart_policy === 'Never',
      claims => claims.submods.container.restart_policy
    )
  },
  {
    id: 'monitoring',
    check: requiredInProduction(
      'memory-monitored',
      claims => claims.submods.confidential_space?.monitoring_enabled?.memory === false,
      claims => claims.submods.confidential_space?.monitoring_enabled
    )
  },
  {
    id: 'project',
    check: expected(
      'project-mismatch',
      expect => expect.projectId,
      claims => claims.submods.gce?.project_id
    )
  },
  {
    id: 'zone',
    check: expected(
      'zone-mismatch',
      expect => expect.zone,
      claims => claims.submods.gce?.zone
    )
  },
  { id: 'service-accounts', check: checkServiceAccounts },
  { id: 'gpu', check: checkGpuMode },
  { id: 'gpu-models', check: checkGpuModels }
];

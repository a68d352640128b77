import type { ConfidentialSpaceClaims } from './claims.js';
import * as environment from './environment.js';
import * as gpu from './gpu.js';
import { commandOverride, isDebug, nonces, supportAttributes } from './claim-values.js';
import type { TokenExpectations, TokenRequest } from './request.js';
import { checkSimulator } from './simulation.js';
import { SIMULATED_HARDWARE, type PkiRoot } from './trust.js';
import { fail, notAsked, pass, quote, type StepOutcome, type StepCode, type StepId } from './steps.js';

/** Claims whose signature holds, and what is asked of them. */
export interface AppraisalSubject {
  readonly claims: ConfidentialSpaceClaims;
  readonly request: TokenRequest;
  readonly expect: TokenExpectations;
  readonly production: boolean;
  readonly root: PkiRoot | undefined;
}

export interface AppraisalStep {
  readonly id: StepId;
  readonly take: (judged: AppraisalSubject) => StepOutcome;
}

const SKEW_SECONDS = 60;
const MAXIMUM_NONCES = 6;
/** What Confidential Space runs on. A Shielded VM (`GCP_SHIELDED_VM`) encrypts nothing and can't be asked for. */
const TEE_HARDWARE = ['GCP_AMD_SEV', 'GCP_AMD_SEV_ES', 'GCP_INTEL_TDX'];

const NOT_IN_PROFILE = notAsked('The profile “signature” does not ask for it.');

function times({ claims: { exp, nbf, iat }, request }: AppraisalSubject): StepOutcome {
  const now = request.at.getTime() / 1000;
  const told = (seconds: number) => new Date(seconds * 1000).toISOString();
  if (exp <= iat || exp <= nbf) return fail('token-times', 'The token ends before it begins.');
  if (now > exp + SKEW_SECONDS) return fail('token-expired', `The token ended at ${told(exp)}.`);
  const begins = Math.max(nbf, iat);
  if (now < begins - SKEW_SECONDS) return fail('token-not-yet-valid', `The token begins at ${told(begins)}.`);
  return pass(`Issued at ${told(iat)}, valid until ${told(exp)}.`);
}

function age({ claims: { iat }, request, expect: { maxAgeSeconds } }: AppraisalSubject): StepOutcome {
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
      `The token has ${found.length} nonces; there are never more than ${MAXIMUM_NONCES}.`
    );
  }
  if (expect.nonces === undefined) return notAsked();
  const missing = expect.nonces.filter(nonce => !found.includes(nonce));
  return missing.length === 0
    ? pass(`${expect.nonces.length} of ${found.length} nonces were expected and are there.`)
    : fail('nonce-missing', `The token does not carry ${quote(missing)}.`);
}

/** A claim that must have one value in the profile `production`. */
function fixed(
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

/** A claim that must be one of what was expected, where something was. */
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

function hardware({ claims: { hwmodel }, request, expect, production }: AppraisalSubject): StepOutcome {
  if (!production && expect.hwmodels === undefined) return NOT_IN_PROFILE;
  const tees = request.acceptSimulator === true ? [...TEE_HARDWARE, SIMULATED_HARDWARE] : TEE_HARDWARE;
  const accepted = tees.includes(hwmodel) && (expect.hwmodels ?? tees).includes(hwmodel);
  return accepted ? pass(`Found ${quote(hwmodel)}.`) : fail('hardware-refused', `Found ${quote(hwmodel)}.`);
}

function checkArguments({ claims, expect: { args } }: AppraisalSubject): StepOutcome {
  if (args === undefined) return notAsked();
  const found = claims.submods.container.args ?? [];
  const same = found.length === args.length && args.every((argument, index) => found[index] === argument);
  const detail = `Found ${quote(found)}.`;
  return same ? pass(detail) : fail('arguments-mismatch', `Expected ${quote(args)}. ${detail}`);
}

function serviceAccounts({ claims, expect: { serviceAccounts: wanted } }: AppraisalSubject): StepOutcome {
  if (wanted === undefined) return notAsked();
  const found = claims.google_service_accounts ?? [];
  const same =
    found.every(account => wanted.includes(account)) && wanted.every(account => found.includes(account));
  const detail = `Found ${quote(found)}.`;
  return same ? pass(detail) : fail('service-accounts-mismatch', `Expected ${quote(wanted)}. ${detail}`);
}

/** The steps that judge what was said, in order. Each stands alone. */
export const APPRAISAL_STEPS: readonly AppraisalStep[] = [
  { id: 'simulator', take: checkSimulator },
  { id: 'times', take: times },
  { id: 'age', take: age },
  {
    id: 'audience',
    take: expected(
      'audience-mismatch',
      expect => expect.audience,
      claims => claims.aud
    )
  },
  { id: 'nonces', take: checkNonces },
  {
    id: 'software',
    take: fixed(
      'software-refused',
      ({ swname }) => swname === 'CONFIDENTIAL_SPACE',
      ({ swname }) => swname
    )
  },
  {
    id: 'debug',
    take: fixed(
      'debug-enabled',
      claims => !isDebug(claims),
      ({ dbgstat }) => dbgstat
    )
  },
  {
    id: 'secure-boot',
    take: fixed(
      'secure-boot-off',
      ({ secboot }) => secboot,
      ({ secboot }) => secboot
    )
  },
  { id: 'hardware', take: hardware },
  {
    id: 'support',
    take: fixed('not-stable', claims => supportAttributes(claims).includes('STABLE'), supportAttributes)
  },
  {
    id: 'image',
    take: expected(
      'image-digest-mismatch',
      expect => expect.imageDigest,
      claims => claims.submods.container.image_digest
    )
  },
  {
    id: 'command',
    take: fixed('command-overridden', claims => commandOverride(claims).length === 0, commandOverride)
  },
  { id: 'arguments', take: checkArguments },
  { id: 'environment', take: environment.checkEnvironment },
  {
    id: 'restart',
    take: fixed(
      'restart-refused',
      claims => claims.submods.container.restart_policy === 'Never',
      claims => claims.submods.container.restart_policy
    )
  },
  {
    id: 'monitoring',
    take: fixed(
      'memory-monitored',
      claims => claims.submods.confidential_space?.monitoring_enabled?.memory === false,
      claims => claims.submods.confidential_space?.monitoring_enabled
    )
  },
  {
    id: 'project',
    take: expected(
      'project-mismatch',
      expect => expect.projectId,
      claims => claims.submods.gce?.project_id
    )
  },
  {
    id: 'zone',
    take: expected(
      'zone-mismatch',
      expect => expect.zone,
      claims => claims.submods.gce?.zone
    )
  },
  { id: 'service-accounts', take: serviceAccounts },
  { id: 'gpu', take: gpu.checkMode },
  { id: 'gpu-models', take: gpu.checkModels }
];

import { environmentOverrides } from './claims.js';
import type { AppraisalSubject } from './request.js';
import { fail, notAsked, pass, quote, type StepOutcome } from './steps.js';

/** The only environment variable that the operator may set: the address of the job document, whose content is not trusted. */
export const JOB_VARIABLE = 'CLEAN_ROOM_JOB';

const JOB_ADDRESS =
  /^https?:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?\/v1\/jobs\/[A-Za-z0-9_-]{26,128}$/;

/** Returns whether a value of {@link JOB_VARIABLE} is valid: `http(s)://host[:port]/v1/jobs/<26 to 128 of A-Za-z0-9_->`. */
export function isJobAddress(text: string): boolean {
  return text.length <= 512 && JOB_ADDRESS.test(text) && URL.canParse(text);
}

/**
 * Checks that the operator set only the expected variables, with the expected values. The job variable is always allowed, with
 * any valid value.
 */
export function checkEnvironment({ claims, expect: { env: expected } }: AppraisalSubject): StepOutcome {
  const overrides = environmentOverrides(claims);
  const environment = claims.submods.container.env ?? {};
  for (const job of [valueOf(overrides, JOB_VARIABLE), valueOf(environment, JOB_VARIABLE)]) {
    if (job !== undefined && !isJobAddress(job)) {
      return fail('job-address-form', `${JOB_VARIABLE} is ${quote(job)}, which is not a job address.`);
    }
  }
  if (expected === undefined) return notAsked();
  const unexpected = Object.keys(overrides).filter(
    name => name !== JOB_VARIABLE && !Object.hasOwn(expected, name)
  );
  if (unexpected.length > 0) return fail('environment-unexpected', `The operator set ${quote(unexpected)}.`);
  const differing = Object.entries(expected)
    .filter(([name]) => name !== JOB_VARIABLE)
    .filter(
      ([name, value]) => valueOf(environment, name) !== value || (valueOf(overrides, name) ?? value) !== value
    );
  return differing.length > 0
    ? fail('environment-mismatch', `Not as expected: ${quote(differing.map(([name]) => name))}.`)
    : pass(`The operator set ${quote(Object.keys(overrides))}.`);
}

function valueOf(variables: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(variables, name) ? variables[name] : undefined;
}

import { isJobAddress, JOB_VARIABLE } from './job-address.js';
import type { AppraisalSubject } from './appraisal.js';
import { environmentOverrides } from './claim-values.js';
import { fail, notAsked, pass, quote, type StepOutcome } from './steps.js';

/**
 * What the operator set must be expected by name and value. The job variable may always be set and have any value of
 * its form: it only says where to look.
 */
export function checkEnvironment({ claims, expect: { env: wanted } }: AppraisalSubject): StepOutcome {
  const overrides = environmentOverrides(claims);
  const environment = claims.submods.container.env ?? {};
  for (const job of [valueOf(overrides, JOB_VARIABLE), valueOf(environment, JOB_VARIABLE)]) {
    if (job !== undefined && !isJobAddress(job)) {
      return fail('job-address-form', `${JOB_VARIABLE} is ${quote(job)}, which is no job address.`);
    }
  }
  if (wanted === undefined) return notAsked();
  const unexpected = Object.keys(overrides).filter(
    name => name !== JOB_VARIABLE && !Object.hasOwn(wanted, name)
  );
  if (unexpected.length > 0) return fail('environment-unexpected', `The operator set ${quote(unexpected)}.`);
  const differing = Object.entries(wanted)
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

import type { AppraisalSubject } from './appraisal.js';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from './trust.js';
import { fail, pass, type StepOutcome } from './steps.js';

/**
 * A simulated token says so in issuer and hardware, and its chain ends in a root trusted for simulation only. Any one
 * of these without the others is an attempt to pass one kind of token off as the other.
 */
export function checkSimulator({ claims, request, root }: AppraisalSubject): StepOutcome {
  const signs = [claims.iss === SIMULATOR_ISSUER, claims.hwmodel === SIMULATED_HARDWARE];
  if (root !== undefined) signs.push(root.kind === 'simulated');
  if (!signs.some(Boolean)) return pass('Not a simulated token.');
  if (!signs.every(Boolean)) {
    return fail(
      'simulator-inconsistent',
      'Issuer, hardware and root disagree on whether this is a simulation.'
    );
  }
  return request.acceptSimulator === true
    ? pass('SIMULATED: no TEE stood behind this token. The policy names the simulator.')
    : fail(
        'simulator-refused',
        'SIMULATED: no TEE stood behind this token, and the policy does not name the simulator.'
      );
}

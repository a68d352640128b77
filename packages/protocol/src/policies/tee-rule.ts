import { celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { TokenClaims } from '../attestation/claims.js';
import { CleanRoomError } from '../errors/index.js';

/**
 * Returns whether the claims of a verified token satisfy a policy's TEE rule. The rule is a CEL expression in which the claims
 * are named `assertion`. Only `true` satisfies it; an error, a missing claim or any other value does not.
 *
 * @throws CleanRoomError `malformed` when the rule is not valid CEL
 * @throws CleanRoomError `policy-refused` when the rule cannot be evaluated
 *
 * @example
 * ```ts
 * import { satisfiesTeeRule } from '@clean-room/protocol/policies';
 *
 * const claims = { hwmodel: 'GCP_INTEL_TDX', secboot: true };
 * console.log(satisfiesTeeRule("assertion.hwmodel == 'GCP_INTEL_TDX' && assertion.secboot", claims)); // true
 * console.log(satisfiesTeeRule("assertion.hwmodel == 'GCP_AMD_SEV'", claims)); // false
 * ```
 */
export function satisfiesTeeRule(rule: string, claims: TokenClaims): boolean {
  let evaluate;
  try {
    evaluate = plan(celEnv(), parse(rule));
  } catch (cause) {
    throw new CleanRoomError('malformed', 'The TEE rule of the policy is not valid CEL.', { cause });
  }
  try {
    const result = evaluate({ assertion: claims });
    return !isCelError(result) && result === true;
  } catch (cause) {
    throw new CleanRoomError('policy-refused', 'The TEE rule of the policy cannot be evaluated.', { cause });
  }
}

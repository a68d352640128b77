import { celEnv, isCelError, parse, plan, type CelInput } from '@bufbuild/cel';
import { CleanRoomError } from '../errors/index.js';

/**
 * Whether the claims of an already verified token satisfy a policy's TEE rule. The rule is CEL with the claims named
 * `assertion`. Only `true` is true: an error, an absent claim or any other value refuses.
 * @throws CleanRoomError `malformed` when the rule does not parse, `policy-refused` when it can not be evaluated at all
 */
export function satisfiesTeeRule(rule: string, claims: Readonly<Record<string, CelInput>>): boolean {
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
    throw new CleanRoomError('policy-refused', 'The TEE rule of the policy can not be evaluated.', { cause });
  }
}

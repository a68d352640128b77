import { CleanRoomError } from '../errors/index.js';
import type { Policy } from './policy.js';
import { strictestTerms } from './strictest.js';

/** How often an approval lets a provider's data be opened. */
export interface Grant {
  /** The number of runs. */
  readonly runs: number;
  /** The number of further starts, for runs whose machine is lost after it received the keys. */
  readonly spareStarts: number;
}

/**
 * Returns how often an approval lets the data be opened. A hostile operator can use each of these starts for a result.
 *
 * @example
 * ```ts
 * import { startsOf } from '@clean-room/protocol/policies';
 *
 * console.log(startsOf({ runs: 2, spareStarts: 1 })); // 3
 * ```
 */
export function startsOf({ runs, spareStarts }: Grant): number {
  return runs + spareStarts;
}

/**
 * Checks that an approval grants no more than a provider's policies allow.
 *
 * @param policies - the policies of all assets of this provider that the approval names
 * @throws CleanRoomError `approval-invalid`
 */
export function requireGrant(policies: readonly Policy[], grant: Grant): void {
  const allowed = strictestTerms(policies).run;
  if (grant.runs <= allowed.runs && grant.spareStarts <= allowed.spareStarts) return;
  throw new CleanRoomError(
    'approval-invalid',
    `The approval grants ${grant.runs} runs and ${grant.spareStarts} spare starts, but the policy allows only ${allowed.runs} and ${allowed.spareStarts}.`,
    { remedy: `Approve again with at most ${allowed.runs} runs and ${allowed.spareStarts} spare starts.` }
  );
}

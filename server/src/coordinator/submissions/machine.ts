import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { strictestTerms, type Policy } from '@clean-room/protocol/policies';
import type { Compute } from '@clean-room/protocol/submissions';
import type { TeeCapabilities } from '../backends/backend.js';
import { chooseShape } from '../backends/choose-shape.js';
import { chooseTeeKind } from '../runs/tee-kind.js';

const MIB = 1024 ** 2;

/**
 * Checks that all policies allow the memory that a notebook asks for, and that the backend has a machine that is large enough.
 *
 * @throws CleanRoomError `policy-refused` with the limit and the dataset that it is from, `backend-unavailable`
 */
export function requireMachine(
  { tees, shapes }: TeeCapabilities,
  policies: readonly Policy[],
  compute: Compute,
  image: Digest
): void {
  const { memoryBytes: most } = strictestTerms(policies).run;
  if (compute.memoryBytes > most) {
    const binding = policies.find(({ run }) => run.memoryBytes === most);
    const limit = `${Math.floor(most / MIB)} MiB of memory`;
    throw new CleanRoomError(
      'policy-refused',
      binding === undefined
        ? `A notebook without datasets may use at most ${limit}.`
        : `The policy of ${binding.asset} allows at most ${limit}.`,
      { remedy: `Submit again with at most ${limit}.` }
    );
  }
  const tee = chooseTeeKind(tees, policies, image);
  if (tee !== undefined) chooseShape(shapes, { ...compute, tee });
}

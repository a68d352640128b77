import { CleanRoomError } from '@clean-room/protocol/errors';
import type { TeeKind, TeeShape } from './backend.js';

const GIB = 1024 ** 3;

/**
 * Returns the smallest machine that has the processors and the memory that a notebook asked for.
 *
 * @throws CleanRoomError `backend-unavailable` when no machine of this kind is large enough
 */
export function chooseShape(
  shapes: readonly TeeShape[],
  wanted: { readonly tee: TeeKind; readonly processors: number; readonly memoryBytes: number }
): TeeShape {
  const ofKind = shapes.filter(({ tee }) => tee === wanted.tee);
  const found = ofKind.find(
    shape => shape.processors >= wanted.processors && shape.memoryBytes >= wanted.memoryBytes
  );
  if (found !== undefined) return found;
  const largest = ofKind.at(-1);
  throw new CleanRoomError(
    'backend-unavailable',
    `No ${wanted.tee} machine has ${wanted.processors} processors and ${Math.ceil(wanted.memoryBytes / GIB)} GiB of memory.`,
    {
      remedy:
        largest === undefined
          ? 'Ask the operator for machines of this kind.'
          : `Submit again with at most ${largest.processors} processors and ${Math.floor(largest.memoryBytes / GIB)} GiB of memory.`
    }
  );
}

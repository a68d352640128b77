let running = 0;

/**
 * Records that a coordinator runs in this process.
 * @returns a function that records its end
 */
export function recordCoordinator(): () => void {
  running += 1;
  let ended = false;
  return () => {
    if (!ended) running -= 1;
    ended = true;
  };
}

/** Returns whether a coordinator runs in this process. */
export const runsCoordinator = (): boolean => running > 0;

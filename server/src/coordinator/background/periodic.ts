/** Work that is repeated until it is stopped. */
export interface Periodic {
  /** Starts no further repetition, and waits for the running one. */
  stop(): Promise<void>;
}

/**
 * Repeats work with a pause after each repetition, the first at once.
 *
 * @param seconds - the pause
 * @param onError - receives an error of the work, which does not end the repetition
 */
export function repeat(
  seconds: number,
  work: () => Promise<void>,
  onError: (error: unknown) => void
): Periodic {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let running = Promise.resolve();
  const next = (): void => {
    running = work()
      .catch(onError)
      .then(() => {
        if (!isStopped) timer = setTimeout(next, seconds * 1000);
      });
  };
  next();
  return {
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    }
  };
}

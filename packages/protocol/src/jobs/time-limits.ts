/**
 * The times in seconds that a supervisor keeps trying before it gives up. The coordinator grants every run at least these times,
 * so that it does not end a run whose supervisor still tries.
 */
export const ATTEMPT_SECONDS = {
  /** From the start of the supervisor to its registration, and then to the job document. */
  start: 300,
  /** Waiting until all custodians have released their keys. */
  keys: 3600,
  /** Downloading the sealed assets. */
  download: 1800,
  /** Getting the final token and delivering the results: more than an outage of 20 minutes. */
  delivery: 2400
} as const;

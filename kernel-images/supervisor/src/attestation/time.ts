import { toTimestamp } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';

/** Returns milliseconds of a clock that cannot be set. Only differences between two values are meaningful. */
export type MonotonicClock = () => number;

/**
 * A clock that takes the time from attestation tokens, because the operator controls the machine's own clock. Each fresh
 * token sets the time, a monotonic counter advances it between tokens, and it never goes back.
 */
export class TokenClock {
  readonly #monotonic: MonotonicClock;
  /** Time of the newest token, and the counter when it was observed, both in milliseconds. */
  #anchor: { readonly time: number; readonly counter: number } | undefined;

  constructor(monotonic: MonotonicClock = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /**
   * Sets the time from a token that was requested with a fresh nonce.
   *
   * @param issuedAt - the token's `iat` claim, in seconds since 1970
   */
  observe(issuedAt: number): void {
    const time = Math.max(issuedAt * 1000, this.#anchor === undefined ? 0 : this.now().getTime());
    this.#anchor = { time, counter: this.#monotonic() };
  }

  /**
   * Returns the current time.
   *
   * @throws CleanRoomError `internal` before the first token
   */
  now(): Date {
    if (this.#anchor === undefined) {
      throw new CleanRoomError('internal', 'The time is not known before the first attestation token.');
    }
    return new Date(this.#anchor.time + this.#monotonic() - this.#anchor.counter);
  }
}

/** Returns the last point of a time grid at or before `date`; `seconds` is the step of the grid. */
export function gridBefore(date: Date, seconds: number): string {
  const step = seconds * 1000;
  return toTimestamp(new Date(Math.floor(date.getTime() / step) * step));
}

/**
 * Returns the first point of a time grid at or after `date`. A duration between two grid points reveals at most its
 * number of grid steps.
 */
export function gridAfter(date: Date, seconds: number): string {
  const step = seconds * 1000;
  return toTimestamp(new Date(Math.ceil(date.getTime() / step) * step));
}

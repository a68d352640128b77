import { CleanRoomError } from '@clean-room/protocol/errors';

/** Milliseconds of a clock that nobody can set; only differences mean something. */
export type Monotonic = () => number;

/**
 * Time as the attestation service tells it: the machine's own clock is the operator's. Each fresh token anchors the
 * clock, the monotonic counter carries it from there, and it never goes back.
 */
export class TokenClock {
  readonly #monotonic: Monotonic;
  #anchor: { readonly told: number; readonly counted: number } | undefined;

  constructor(monotonic: Monotonic = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** @param issuedAt `iat` of a token that carries a nonce made for it, in seconds since 1970 */
  observe(issuedAt: number): void {
    const told = Math.max(issuedAt * 1000, this.#anchor === undefined ? 0 : this.now().getTime());
    this.#anchor = { told, counted: this.#monotonic() };
  }

  /** @throws CleanRoomError `internal` before the first token */
  now(): Date {
    if (this.#anchor === undefined) {
      throw new CleanRoomError('internal', 'The time was asked for before a token told it.');
    }
    return new Date(this.#anchor.told + this.#monotonic() - this.#anchor.counted);
  }
}

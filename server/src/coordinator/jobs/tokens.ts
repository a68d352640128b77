import { createHash, createHmac } from 'node:crypto';

/**
 * Derives the tokens of jobs from a secret and the attempt's id. The database contains only their hashes, and a coordinator
 * that restarts can derive the address of a job again.
 */
export class JobTokens {
  readonly #secret: Uint8Array;

  /**
   * Creates the tokens of a coordinator.
   *
   * @param secret - 32 secret bytes
   */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  /** Returns the token of an attempt's job. */
  of(attempt: string): string {
    return createHmac('sha256', this.#secret).update(`clean-room:job:v1\0${attempt}`).digest('base64url');
  }

  /** Returns the hash of a token, as the database contains it. */
  static hash(token: string): string {
    return createHash('sha256').update(token).digest('base64url');
  }
}

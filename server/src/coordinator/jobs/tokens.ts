import { createHash, createHmac } from 'node:crypto';

/**
 * Tokens of jobs, derived from a secret and the attempt's id: the database holds their hashes alone, and a coordinator that
 * starts again can still name the job it was about to start.
 */
export class JobTokens {
  readonly #secret: Uint8Array;

  /** @param secret 32 bytes */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  of(attempt: string): string {
    return createHmac('sha256', this.#secret).update(`clean-room:job:v1\0${attempt}`).digest('base64url');
  }

  static hash(token: string): string {
    return createHash('sha256').update(token).digest('base64url');
  }
}

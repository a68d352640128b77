import { createHmac } from 'node:crypto';
import type { AttemptKey } from '@clean-room/protocol/documents';

/**
 * Derives the secrets of attempts from one secret of the deployment. They are not stored, and every replica of the coordinator
 * derives the same ones.
 */
export class AttemptSecrets {
  readonly #secret: Uint8Array;

  /**
   * Creates the secrets of a coordinator.
   *
   * @param secret - 32 secret bytes
   */
  constructor(secret: Uint8Array) {
    this.#secret = secret;
  }

  #derive(label: string, text: string): Buffer {
    return createHmac('sha256', this.#secret).update(`${label}\0${text}`).digest();
  }

  /** Returns the secret, 32 bytes, of the attempt that registered a key. */
  of(attempt: string, key: AttemptKey): Uint8Array {
    return new Uint8Array(this.#derive('clean-room:attempt-secret:v1', `${attempt}\0${key}`));
  }

  /** Returns the HMAC, 32 bytes, of the text of a transfer grant. */
  macOfGrant(grant: string): Uint8Array {
    return new Uint8Array(this.#derive('clean-room:transfer-grant:v1', grant));
  }
}

import { createHash } from 'node:crypto';
import { hashFromDigest, type Digest } from '@clean-room/protocol/bytes';

/**
 * A deterministic random number generator: SHA-256 over a seed and a counter. It is for stand-ins and must not be used for
 * keys.
 */
export class SeededRandom {
  readonly #seed: Uint8Array;
  #counter = 0n;
  #block: DataView | undefined;
  #offset = 0;

  constructor(seed: Digest) {
    this.#seed = hashFromDigest(seed);
  }

  /** Returns a number in [0, 1) with 48 random bits. */
  next(): number {
    if (this.#block === undefined || this.#offset + 6 > this.#block.byteLength) {
      const counter = Buffer.alloc(8);
      counter.writeBigUInt64BE(this.#counter++);
      const digest = createHash('sha256').update(this.#seed).update(counter).digest();
      this.#block = new DataView(digest.buffer, digest.byteOffset, digest.length);
      this.#offset = 0;
    }
    const high = this.#block.getUint16(this.#offset);
    const low = this.#block.getUint32(this.#offset + 2);
    this.#offset += 6;
    return (high * 2 ** 32 + low) / 2 ** 48;
  }

  /** Returns an integer from `least` to `greatest`, both included. */
  integer(least: number, greatest: number): number {
    return least + Math.floor(this.next() * (greatest - least + 1));
  }

  /** Returns one of the items, or `otherwise` when there are none. */
  pick<T>(items: readonly T[], otherwise: T): T {
    return items[this.integer(0, items.length - 1)] ?? otherwise;
  }
}

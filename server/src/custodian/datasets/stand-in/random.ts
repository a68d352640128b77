import { createHash } from 'node:crypto';
import { hashFromDigest, type Digest } from '@clean-room/protocol/bytes';

/**
 * Numbers that are random to look at and follow from a seed alone: SHA-256 over the seed and a counter. For stand-ins,
 * never for keys.
 */
export class SeededRandom {
  readonly #seed: Uint8Array;
  #counter = 0n;
  #block: DataView | undefined;
  #offset = 0;

  constructor(seed: Digest) {
    this.#seed = hashFromDigest(seed);
  }

  /** In [0, 1), 48 bits. */
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

  /** A whole number from `least` to `greatest`, both included. */
  integer(least: number, greatest: number): number {
    return least + Math.floor(this.next() * (greatest - least + 1));
  }

  pick<T>(items: readonly T[], otherwise: T): T {
    return items[this.integer(0, items.length - 1)] ?? otherwise;
  }
}

/** A small seeded random number generator (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Returns a number from 0 up to but not including 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Returns an integer from 0 up to but not including `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** Returns a random item. */
  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Returns a normally distributed number. */
  normal(mean: number, deviation: number): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next());
  }

  /** Returns a text of many kinds of characters, including unpaired surrogates. */
  text(longest: number): string {
    const ranges: [[number, number], ...[number, number][]] = [
      [0x20, 0x7e],
      [0, 0x1f],
      [0x80, 0x24f],
      [0x300, 0x36f],
      [0x200b, 0x206f],
      [0xd800, 0xdfff],
      [0xe000, 0xe100],
      [0xfe00, 0xfe0f],
      [0x4e00, 0x4eff],
      [0xff00, 0xffef],
      [0x1f300, 0x1f6ff],
      [0xe0000, 0xe01ef]
    ];
    return Array.from({ length: this.below(longest) }, () => {
      const [from, to] = this.pick(ranges);
      return String.fromCodePoint(from + this.below(to - from + 1));
    }).join('');
  }
}

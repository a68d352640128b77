/** The amount of output that Compute Engine keeps of a serial port, in bytes. */
const KEPT = 1024 * 1024;

/** The output of a serial port. */
export class SerialPort {
  #kept = Buffer.alloc(0);
  #written = 0;

  /** Appends a line. */
  write(line: string): void {
    const bytes = Buffer.from(`${line}\r\n`);
    this.#written += bytes.length;
    const all = Buffer.concat([this.#kept, bytes]);
    this.#kept = all.subarray(Math.max(0, all.length - KEPT));
  }

  /**
   * Reads from a position. If the output there is no longer kept, it reads from the oldest position that is.
   *
   * @param start - position in bytes; a negative one counts from the end
   */
  read(start: number): { readonly contents: string; readonly start: number; readonly next: number } {
    const oldest = this.#written - this.#kept.length;
    const from = Math.min(Math.max(start < 0 ? this.#written + start : start, oldest), this.#written);
    return { contents: this.#kept.subarray(from - oldest).toString(), start: from, next: this.#written };
  }
}

/** The amount of output that Compute Engine keeps of a serial port, in bytes. */
const KEPT = 1024 * 1024;

/** The output of a serial port. */
export class SerialPort {
  #kept: Buffer[] = [];
  #size = 0;
  #written = 0;

  /** Appends a line. */
  write(line: string): void {
    const bytes = Buffer.from(`${line}\r\n`);
    this.#written += bytes.length;
    this.#size += bytes.length;
    this.#kept.push(bytes);
    // Joined only now and then, because joining a megabyte for each line takes long.
    if (this.#size > 2 * KEPT) this.#trim();
  }

  #trim(): Buffer {
    const all = Buffer.concat(this.#kept);
    const last = all.subarray(Math.max(0, all.length - KEPT));
    this.#kept = [last];
    this.#size = last.length;
    return last;
  }

  /**
   * Reads from a position. If the output there is no longer kept, it reads from the oldest position that is.
   *
   * @param start - position in bytes; a negative one counts from the end
   */
  read(start: number): { readonly contents: string; readonly start: number; readonly next: number } {
    const kept = this.#trim();
    const oldest = this.#written - kept.length;
    const from = Math.min(Math.max(start < 0 ? this.#written + start : start, oldest), this.#written);
    return { contents: kept.subarray(from - oldest).toString(), start: from, next: this.#written };
  }
}

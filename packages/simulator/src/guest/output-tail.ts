import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { isMissing } from '@clean-room/node-support';

const STREAMS = ['stdout', 'stderr'] as const;
const INTERVAL_MS = 200;

/** Reads what a program writes to its redirected output, and passes it on line by line while the program runs. */
export class OutputTail {
  readonly #folder: string;
  readonly #parts: readonly {
    readonly name: (typeof STREAMS)[number];
    position: number;
    lines: PassThrough;
  }[];
  readonly #timer: NodeJS.Timeout;
  #reading: Promise<void> = Promise.resolve();

  /**
   * @param folder - the folder with `stdout.log` and `stderr.log`
   * @param pass - called with each line
   */
  constructor(folder: string, pass: (stream: (typeof STREAMS)[number], line: string) => void) {
    this.#folder = folder;
    this.#parts = STREAMS.map(name => {
      const lines = new PassThrough();
      createInterface({ input: lines }).on('line', line => pass(name, line));
      return { name, position: 0, lines };
    });
    this.#timer = setInterval(() => this.#read(), INTERVAL_MS);
  }

  /** Reads the rest, and stops. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    this.#read();
    await this.#reading;
    for (const { lines } of this.#parts) {
      const ended = new Promise(resolve => lines.once('end', resolve));
      lines.end();
      await ended;
    }
  }

  #read(): void {
    this.#reading = this.#reading.then(async () => {
      for (const part of this.#parts) {
        const path = join(this.#folder, `${part.name}.log`);
        const file = await open(path).catch((error: unknown) => {
          if (isMissing(error)) return undefined;
          throw error;
        });
        if (file === undefined) continue;
        for await (const chunk of file.createReadStream({ start: part.position })) {
          part.position += (chunk as Buffer).length;
          part.lines.write(chunk);
        }
      }
    });
  }
}

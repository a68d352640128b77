import { utf8 } from '@clean-room/protocol/bytes';
import type { ErrorCode } from '@clean-room/protocol/errors';
import type { JobProgress } from '@clean-room/protocol/jobs';
import { exchangeBytes } from '../network/exchange.js';

const TIMEOUT_MS = 10_000;
/** Progress leaves on this beat and no faster, so that the moments at which cells end carry little out. */
const BEAT_MS = 1000;

/**
 * Tells where the run is: a phase and a cell's number. Losing a message is harmless, so nothing waits for one; the last
 * word on a run that stops is tried again for a while.
 */
export class ProgressReporter {
  readonly #address: string;
  #latest: JobProgress | undefined;
  #sent: string | undefined;
  #beat: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(address: string) {
    this.#address = address;
  }

  report(progress: JobProgress): void {
    this.#latest = progress;
    this.#beat ??= setInterval(() => this.#send(), BEAT_MS).unref();
    // The first word goes out at once: a screen that says nothing for a second looks broken.
    if (this.#sent === undefined) this.#send();
  }

  /** Ends the beat. What was on its way may still arrive, and is then older than the end. */
  async close(): Promise<void> {
    clearInterval(this.#beat);
    this.#beat = undefined;
    await this.#sending;
  }

  /** The run can't go on. @param attempts how often to try to say so */
  async stopped(reason: ErrorCode, attempts = 5): Promise<void> {
    await this.close();
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (await this.#post({ phase: 'stopped', reason })) return;
      await new Promise(resolve => setTimeout(resolve, 250 * 2 ** attempt));
    }
  }

  #send(): void {
    const progress = this.#latest;
    const text = JSON.stringify(progress);
    if (progress === undefined || text === this.#sent) return;
    this.#sent = text;
    this.#sending = this.#sending.then(async () => void (await this.#post(progress)));
  }

  async #post(progress: JobProgress): Promise<boolean> {
    try {
      await exchangeBytes(
        {
          method: 'POST',
          url: this.#address,
          body: { bytes: utf8(JSON.stringify(progress)), type: 'application/json' },
          limit: 65_536,
          timeoutMs: TIMEOUT_MS
        },
        [200, 201, 202, 204]
      );
      return true;
    } catch {
      return false;
    }
  }
}

import { utf8 } from '@clean-room/protocol/bytes';
import type { ErrorCode } from '@clean-room/protocol/errors';
import type { JobProgress } from '@clean-room/protocol/jobs';
import { exchangeBytes } from '../network/exchange.js';

const TIMEOUT_MS = 10_000;
/** Progress is sent at most once per interval, so that the times at which cells end reveal little. */
const INTERVAL_MS = 1000;

/**
 * Reports the progress of a run to the coordinator: a phase and a cell's number. Losing a report is harmless, so the run
 * never waits for one. Only the report that a run stopped is retried.
 */
export class ProgressReporter {
  readonly #address: string;
  #latest: JobProgress | undefined;
  #sent: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(address: string) {
    this.#address = address;
  }

  /** Sends `progress` at the next interval, unless a newer report replaces it before. */
  report(progress: JobProgress): void {
    this.#latest = progress;
    this.#timer ??= setInterval(() => this.#send(), INTERVAL_MS).unref();
    // The first report is sent at once, because a screen without any progress for a second looks broken.
    if (this.#sent === undefined) this.#send();
  }

  /** Stops sending, and waits until the reports that were already sent have arrived or failed. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#sending;
  }

  /**
   * Reports that the run stopped.
   *
   * @param attempts - how often to try to send the report
   */
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
    this.#sending = this.#sending.then(async () => {
      await this.#post(progress);
    });
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

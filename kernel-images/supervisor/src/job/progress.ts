import type { RetryPolicy } from '@clean-room/node-support';
import type { ErrorCode } from '@clean-room/protocol/errors';
import type { JobProgress } from '@clean-room/protocol/jobs';
import type { JobChannel } from './channel.js';

/** Progress is sent at most once per interval, so that the times at which cells end reveal little. */
const INTERVAL_MS = 1000;
/** A lost report is replaced by the next one. */
const NO_RETRY: RetryPolicy = { attempts: 1, firstDelayMs: 0, longestDelayMs: 0 };
const TIMEOUT_MS = 10_000;
const STOP_RETRY: RetryPolicy = { totalMs: 15_000, firstDelayMs: 250, longestDelayMs: 4000 };

/**
 * Reports the progress of a run to the coordinator: a phase and a cell's number. Losing a report is harmless, so the run
 * never waits for one. Only the report that a run stopped is retried.
 */
export class ProgressReporter {
  readonly #channel: JobChannel;
  #latest: JobProgress | undefined;
  #sent: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(channel: JobChannel) {
    this.#channel = channel;
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

  /** Reports that the run stopped. */
  async stopped(reason: ErrorCode, retryPolicy = STOP_RETRY): Promise<void> {
    await this.close();
    await this.#post({ phase: 'stopped', reason }, retryPolicy);
  }

  #send(): void {
    const progress = this.#latest;
    const text = JSON.stringify(progress);
    if (progress === undefined || text === this.#sent) return;
    this.#sent = text;
    this.#sending = this.#sending.then(() => this.#post(progress, NO_RETRY));
  }

  async #post(progress: JobProgress, retryPolicy: RetryPolicy): Promise<void> {
    try {
      await this.#channel.post('/progress', progress, { retryPolicy, timeoutMs: TIMEOUT_MS });
    } catch {
      // The coordinator watches the machine as well, so a run does not depend on its reports.
    }
  }
}

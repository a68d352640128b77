import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_TOKEN, type RequestToken } from './handler.js';
import type { LauncherLog } from './log.js';

/** The name of the file with the default token, in the folder of the socket, as in Confidential Space. */
export const TOKEN_FILE = 'attestation_verifier_claims_token';

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 3_600_000;

/**
 * Returns the delay before a failed refresh is repeated: one minute, then twice as long each time up to an hour, and between half
 * and one and a half times of that at random.
 *
 * @param failures - the number of failed attempts, at least 1
 * @param random - a number from 0 to 1
 */
export function refreshRetryMs(failures: number, random: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS) * (0.5 + random);
}

/** Keeps a valid default token in a file. A new one is written after 70 to 90 % of the token's remaining lifetime. */
export class TokenFile {
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(
    private readonly folder: string,
    private readonly requestToken: RequestToken,
    private readonly log: LauncherLog
  ) {}

  /**
   * Writes the first token. A container must not start before that.
   *
   * @throws ServiceError if the service does not issue it: the first request is not repeated
   */
  async start(): Promise<void> {
    this.refreshAfter(await this.write());
  }

  /** Stops writing tokens. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  private refreshAfter(delayMs: number, failures = 0): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      if (failures === 0) this.log.info('refreshing attestation verifier OIDC token');
      void this.write().then(
        nextMs => this.refreshAfter(nextMs),
        (error: unknown) => {
          const reason = error instanceof Error ? error.message : 'unknown error';
          const retryMs = refreshRetryMs(failures + 1, Math.random());
          this.log.error(
            `failed to refresh attestation service token at time ${retryMs / 1000}s: failed to retrieve attestation service token: ${reason}`
          );
          this.refreshAfter(retryMs, failures + 1);
        }
      );
    }, delayMs);
  }

  /**
   * Replaces the file, so that readers see either the old token or the new one. The mode does not depend on the umask.
   *
   * @returns the time until the next refresh in milliseconds
   */
  private async write(): Promise<number> {
    const token = await this.requestToken(DEFAULT_TOKEN);
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const { exp } = JSON.parse(payload) as { exp: number };
    const leftMs = exp * 1000 - Date.now();
    if (leftMs <= 0) throw new Error('token is expired');
    const draft = join(this.folder, '.token.tmp');
    await writeFile(draft, token);
    await chmod(draft, 0o644);
    await rename(draft, join(this.folder, TOKEN_FILE));
    // The launcher logs all claims, with the value of each variable: nothing in them is secret.
    this.log.info('successfully refreshed attestation token', { token: payload });
    return leftMs * (0.7 + 0.2 * Math.random());
  }
}

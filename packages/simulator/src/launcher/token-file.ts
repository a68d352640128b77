import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKEN_LIFE_SECONDS, type TokenIssuer } from '../issuer/token-issuer.js';
import { DEFAULT_AUDIENCE } from './handler.js';

/** The name of the file with the default token, in the folder of the socket, as in Confidential Space. */
export const TOKEN_FILE = 'attestation_verifier_claims_token';

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 3_600_000;

/** Keeps a valid default token in a file. A new one is written after 70 to 90 % of the token's lifetime. */
export class TokenFile {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly folder: string,
    private readonly issuer: TokenIssuer,
    private readonly lifeMs = TOKEN_LIFE_SECONDS * 1000
  ) {}

  /** Writes the first token. A container must not start before that. */
  async start(): Promise<void> {
    await this.write();
    this.schedule(this.nextRefresh(), FIRST_RETRY_MS);
  }

  /** Stops writing tokens. */
  stop(): void {
    clearTimeout(this.timer);
  }

  private nextRefresh(): number {
    return this.lifeMs * (0.7 + 0.2 * Math.random());
  }

  private schedule(delayMs: number, retryMs: number): void {
    this.timer = setTimeout(() => {
      void this.write().then(
        () => this.schedule(this.nextRefresh(), FIRST_RETRY_MS),
        () => this.schedule(retryMs, Math.min(2 * retryMs, LAST_RETRY_MS))
      );
    }, delayMs);
  }

  /** Replaces the file, so that readers see either the old token or the new one. The mode does not depend on the umask. */
  private async write(): Promise<void> {
    const token = await this.issuer.issue({ kind: 'oidc', audience: DEFAULT_AUDIENCE, nonces: [] });
    const draft = join(this.folder, `${TOKEN_FILE}.draft`);
    await writeFile(draft, token);
    await chmod(draft, 0o644);
    await rename(draft, join(this.folder, TOKEN_FILE));
  }
}

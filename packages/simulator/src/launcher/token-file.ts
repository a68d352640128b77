import { chmod, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TOKEN_LIFE_SECONDS } from '../issuer/claims.js';
import type { TokenIssuer } from '../issuer/issuer.js';
import { DEFAULT_AUDIENCE } from './handler.js';

/** Where Confidential Space leaves the default token, beside the socket. */
export const TOKEN_FILE = 'attestation_verifier_claims_token';

const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 3_600_000;

/** Keeps the default token in its file: written at once, then again at 70 to 90 % of its life, for as long as it runs. */
export class TokenFile {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly folder: string,
    private readonly issuer: TokenIssuer,
    private readonly lifeMs = TOKEN_LIFE_SECONDS * 1000
  ) {}

  /** Resolves once the first token is in place, so that a container never starts without one. */
  async start(): Promise<void> {
    await this.write();
    this.schedule(this.nextRefresh(), FIRST_RETRY_MS);
  }

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

  /** Moved into place: whoever reads sees the old token or the new one, and a watched inode is a dead one. */
  private async write(): Promise<void> {
    const token = await this.issuer.issue({ kind: 'oidc', audience: DEFAULT_AUDIENCE, nonces: [] });
    const draft = join(this.folder, `${TOKEN_FILE}.draft`);
    await writeFile(draft, token);
    await chmod(draft, 0o644);
    await rename(draft, join(this.folder, TOKEN_FILE));
  }
}

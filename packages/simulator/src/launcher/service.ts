import { setTimeout as delay } from 'node:timers/promises';
import type { TokenContents, TokenSource } from '../issuer/token-issuer.js';

/** Thrown for an answer of the attestation service other than a token. The message is that of Google's client library. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';

  /**
   * @param status - the HTTP status of the service's answer
   * @param region - the region of the service
   * @param reason - the text of the answer
   * @param details - further lines that the client library prints
   */
  constructor(
    readonly status: number,
    region: string,
    reason: string,
    details = ''
  ) {
    super(`calling v1.VerifyConfidentialSpace in ${region}: googleapi: Error ${status}: ${reason}${details}`);
  }
}

/** Settings of the simulated attestation service. */
export interface AttestationServiceOptions {
  /** Google's region, such as `europe-west4`. */
  readonly region: string;
  /** The quota of a project in a region. By default 5, as Google documents. */
  readonly requestsPerSecond?: number;
}

const MAX_AUDIENCE_BYTES = 512;
const MAX_NONCES = 6;
/** Google's documentation contains two ranges, 8 to 88 and 10 to 74 bytes. This one satisfies both. */
const NONCE_BYTES = { least: 10, most: 74 };
const SECOND_MS = 1000;

/**
 * The attestation service of one project and region, which the launchers of all its machines call. It has the limits of Google's
 * service, and tests can make it slow or let it fail.
 */
export class AttestationService {
  /** Time that an answer takes, in milliseconds. */
  latencyMs = 0;
  /** HTTP statuses with which the next requests fail, in their order. */
  readonly failures: number[] = [];
  readonly #region: string;
  readonly #requestsPerSecond: number;
  /** Times of the requests of the last second. */
  #recent: number[] = [];

  constructor({ region, requestsPerSecond = 5 }: AttestationServiceOptions) {
    this.#region = region;
    this.#requestsPerSecond = requestsPerSecond;
  }

  /**
   * Checks a request and returns a token.
   *
   * @throws ServiceError
   */
  async token(source: TokenSource, contents: TokenContents): Promise<string> {
    if (this.latencyMs > 0) await delay(this.latencyMs);
    const failure = this.failures.shift();
    if (failure !== undefined) throw this.#error(failure, 'The service is currently unavailable.');
    this.#spendQuota();
    this.#checkLimits(contents);
    return source.issue(contents);
  }

  #spendQuota(): void {
    const now = performance.now();
    this.#recent = this.#recent.filter(at => now - at < SECOND_MS);
    if (this.#recent.length >= this.#requestsPerSecond) {
      throw this.#error(
        429,
        "Quota exceeded for quota metric 'Attestation requests' and limit 'Attestation requests per second per region' of service 'confidentialcomputing.googleapis.com'.",
        '\nerror details: name = ErrorInfo reason = RATE_LIMIT_EXCEEDED domain = googleapis.com metadata = map[service:confidentialcomputing.googleapis.com]'
      );
    }
    this.#recent.push(now);
  }

  #checkLimits({ audience, nonces }: TokenContents): void {
    const refuse = (reason: string) => this.#error(400, reason);
    if (Buffer.byteLength(audience) > MAX_AUDIENCE_BYTES)
      throw refuse('The audience is longer than 512 bytes.');
    if (nonces.length > MAX_NONCES) throw refuse('There are more than 6 nonces.');
    const lengths = nonces.map(nonce => Buffer.byteLength(nonce));
    if (lengths.some(length => length < NONCE_BYTES.least || length > NONCE_BYTES.most))
      throw refuse('A nonce is not between 10 and 74 bytes long.');
  }

  #error(status: number, reason: string, details?: string): ServiceError {
    return new ServiceError(status, this.#region, reason, details);
  }
}

/** Returns the region of a zone: `europe-west4-a` is in `europe-west4`. */
export function regionOf(zone: string): string {
  return zone.replace(/-[a-z]$/, '');
}

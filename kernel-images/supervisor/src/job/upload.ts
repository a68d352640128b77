import { CleanRoomError } from '@clean-room/protocol/errors';
import type { TransferAddress, TransferHeaders } from '@clean-room/protocol/jobs';
import type { SealedOutput } from '@clean-room/protocol/sealing';
import { exchangeBytes, type HttpResponse } from '../network/exchange.js';
import { TransientFailure } from '../network/retry.js';
import type { ChannelOptions } from './channel.js';
import { REFUSALS, RefusalCount, type TransferAddresses } from './transfer.js';

/** Time of one request. What arrived of a longer one is not lost, if the upload can be resumed. */
const TIMEOUT_MS = 300_000;
const CREATED = [200, 201, 204];
/** The object exists already, because the answer to an earlier try was lost. The coordinator verifies it in any case. */
const EXISTS = 412;
/** More bytes are expected. */
const INCOMPLETE = 308;
/** The session of a resumable upload no longer exists. */
const SESSION_LOST = [404, 410];

/** The upload of one sealed object, which may take several tries. */
export class ObjectUpload {
  readonly #addresses: TransferAddresses;
  readonly #object: SealedOutput;
  readonly #options: ChannelOptions;
  readonly #refusals = new RefusalCount();
  /** Address of the session of a resumable upload. It remains valid when a connection breaks. */
  #session: string | undefined;

  constructor(addresses: TransferAddresses, object: SealedOutput, options: ChannelOptions) {
    this.#addresses = addresses;
    this.#object = object;
    this.#options = options;
  }

  /**
   * Makes one try. A resumable upload continues after the last byte that arrived.
   *
   * @throws TransientFailure when another try may succeed; CleanRoomError otherwise
   */
  async continue(): Promise<void> {
    if (this.#session !== undefined) {
      await this.#sendFrom(this.#session, await this.#received(this.#session));
      return;
    }
    const { digest, bytes } = this.#object;
    const request = { direction: 'upload', digest, bytes: bytes.length } as const;
    const address = await this.#addresses.request(request, this.#options);
    if (address.method === 'PUT') {
      const response = await this.#send('PUT', address.url, address.headers, [...CREATED, EXISTS], bytes);
      this.#refusals.requireAccepted(response);
      return;
    }
    this.#session = await this.#begin(address);
    if (this.#session !== undefined) await this.#sendFrom(this.#session, 0);
  }

  /** Begins a resumable upload, and returns the address of its session, or undefined when the object exists already. */
  async #begin({ method, url, headers }: TransferAddress): Promise<string | undefined> {
    if (method !== 'POST') throw new CleanRoomError('malformed', 'The address is not for an upload.');
    const response = await this.#send('POST', url, headers, [201, EXISTS]);
    this.#refusals.requireAccepted(response);
    if (response.status === EXISTS) return undefined;
    const session = response.headers.get('location') ?? '';
    this.#addresses.requireAllowed(session);
    return session;
  }

  /** Returns the number of bytes that arrived, which is all of them if the upload has ended. */
  async #received(session: string): Promise<number> {
    const { length } = this.#object.bytes;
    return this.#positionAfter(await this.#put(session, { 'content-range': `bytes */${length}` }));
  }

  async #sendFrom(session: string, first: number): Promise<void> {
    const { bytes } = this.#object;
    let sent = first;
    while (sent < bytes.length) {
      const range = { 'content-range': `bytes ${sent}-${bytes.length - 1}/${bytes.length}` };
      const position = this.#positionAfter(await this.#put(session, range, bytes.subarray(sent)));
      if (position <= sent) throw new TransientFailure('The storage did not take the bytes.');
      sent = position;
    }
  }

  #positionAfter(response: HttpResponse): number {
    const { status, headers } = response;
    if (SESSION_LOST.includes(status) || REFUSALS.includes(status)) this.#session = undefined;
    if (SESSION_LOST.includes(status)) {
      throw new TransientFailure('The session of the upload no longer exists.');
    }
    this.#refusals.requireAccepted(response);
    if (status !== INCOMPLETE) return this.#object.bytes.length;
    const [, last] = /^bytes=0-([0-9]{1,15})$/.exec(headers.get('range') ?? '') ?? [];
    return last === undefined ? 0 : Number(last) + 1;
  }

  #put(
    session: string,
    headers: Readonly<Record<string, string>>,
    bytes?: Uint8Array
  ): Promise<HttpResponse> {
    const expected = [...CREATED, EXISTS, INCOMPLETE, ...SESSION_LOST];
    return this.#send('PUT', session, headers, expected, bytes);
  }

  #send(
    method: 'PUT' | 'POST',
    url: string,
    headers: TransferHeaders | Readonly<Record<string, string>>,
    expected: readonly number[],
    bytes?: Uint8Array
  ): Promise<HttpResponse> {
    const { signal } = this.#options;
    return exchangeBytes(
      {
        method,
        url,
        headers,
        ...(bytes === undefined ? {} : { body: bytes }),
        limit: 65_536,
        timeoutMs: TIMEOUT_MS,
        ...(signal && { signal })
      },
      [...expected, ...REFUSALS]
    );
  }
}

import { CleanRoomError } from '@clean-room/protocol/errors';
import { TransferAddress, isTransferAddress, type TransferRequest } from '@clean-room/protocol/jobs';
import type { HttpResponse } from '../network/exchange.js';
import { TransientFailure } from '../network/retry.js';
import type { ChannelOptions, JobChannel } from './channel.js';

/** The statuses with which an address is refused, for example because it has expired. */
export const REFUSALS: readonly number[] = [400, 401, 403, 410];

/** The number of addresses in a row that are refused before the transfer ends. */
const MAX_REFUSALS = 5;

/** Counts refused addresses of one transfer. An address is valid for minutes only, so the next one may be accepted. */
export class RefusalCount {
  #count = 0;

  /**
   * Checks the status of an answer.
   *
   * @throws TransientFailure when the address was refused and another one may be accepted; CleanRoomError `forbidden` after several
   */
  requireAccepted({ status }: Pick<HttpResponse, 'status'>): void {
    if (!REFUSALS.includes(status)) {
      this.#count = 0;
      return;
    }
    this.#count += 1;
    const message = `The storage refused the address with status ${status}.`;
    if (this.#count < MAX_REFUSALS) throw new TransientFailure(message);
    throw new CleanRoomError('forbidden', message);
  }
}

/** Gets the addresses at which an attempt transfers sealed objects. */
export class TransferAddresses {
  readonly #channel: JobChannel;
  readonly #simulated: boolean;

  /**
   * Creates the addresses of an attempt.
   *
   * @param simulated - whether the machine is a simulation. Only then may the storage be on the machine itself.
   */
  constructor(channel: JobChannel, simulated: boolean) {
    this.#channel = channel;
    this.#simulated = simulated;
  }

  /**
   * Asks for the address at which one object can be transferred. It is valid for minutes; the same request gives another one.
   *
   * @throws CleanRoomError `not-found`, `too-large`, `unavailable`, `forbidden` when the address is not one of the storage
   */
  async request(request: TransferRequest, options: ChannelOptions): Promise<TransferAddress> {
    const address = await this.#channel.post('/transfers', request, options, TransferAddress);
    this.requireAllowed(address.url);
    return address;
  }

  /**
   * Checks that an address is one of the coordinator or of Google Cloud Storage.
   *
   * @throws CleanRoomError `forbidden`
   */
  requireAllowed(url: string): void {
    if (isTransferAddress(url, this.#channel.address, this.#simulated)) return;
    throw new CleanRoomError('forbidden', 'Sealed objects may not be transferred at this address.');
  }
}

import { TransferAddress, type TransferRequest } from '@clean-room/protocol/jobs';
import type { ChannelOptions, JobChannel } from './channel.js';

/**
 * Asks for the address at which one object can be transferred. It is valid for minutes; the same request gives another one.
 *
 * @throws CleanRoomError `not-found`, `too-large`, `unavailable`
 */
export function requestTransfer(
  channel: JobChannel,
  request: TransferRequest,
  options: ChannelOptions
): Promise<TransferAddress> {
  return channel.post('/transfers', request, options, TransferAddress);
}

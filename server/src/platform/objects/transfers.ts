import type { Digest } from '@clean-room/protocol/bytes';
import type { TransferAddress } from '@clean-room/protocol/jobs';

/** One object that a program outside this server may transfer. */
export interface Transfer {
  /** Name of the program's work, of letters and digits. Uploads of different owners never meet. */
  readonly owner: string;
  readonly digest: Digest;
  readonly bytes: number;
}

/** The ways by which programs outside this server transfer single objects. Each address is valid until `expires`. */
export interface ObjectTransfers {
  /** Returns an address at which the object can be downloaded, also from the middle. */
  download(transfer: Transfer, expires: Date): Promise<TransferAddress>;
  /** Returns an address at which the object can be uploaded. What arrives is not an object of the store before it is verified. */
  upload(transfer: Transfer, expires: Date): Promise<TransferAddress>;
  /**
   * Verifies an upload that did not pass through this server, and stores it as an object. Accepting it again changes nothing.
   *
   * @throws CleanRoomError `not-found` when nothing was uploaded; `digest-mismatch`, and the upload is then deleted
   */
  accept(transfer: Transfer): Promise<void>;
  /** Deletes everything that an owner uploaded, except the objects that were accepted. */
  discard(owner: string): Promise<void>;
}

/** Returns an address of this server, for a store that other programs cannot reach. The server verifies what it receives. */
export type RelayAddress = (
  direction: 'download' | 'upload',
  transfer: Transfer,
  expires: Date
) => TransferAddress;

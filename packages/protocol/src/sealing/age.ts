import type { Stanza } from 'age-encryption';
import { Decrypter, Encrypter, type Identity } from 'age-encryption';
import { CleanRoomError } from '../errors/index.js';
import type { Recipient } from '../documents/keys.js';

/** Seals bytes as an age file that any of `recipients` opens. */
export async function sealTo(recipients: readonly Recipient[], bytes: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(bytes);
}

/** @param identity `AGE-SECRET-KEY-1…`; @throws CleanRoomError `forbidden` when the file is not sealed to it */
export async function openWith(identity: string, sealed: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new CleanRoomError('forbidden', 'This key does not open the sealed file, or the file is damaged.', {
      cause
    });
  }
}

/** Opens an age file by its own file key (16 bytes), as a custodian releases it. */
export class FileKeyIdentity implements Identity {
  readonly #fileKey: Uint8Array;

  constructor(fileKey: Uint8Array) {
    this.#fileKey = fileKey;
  }

  unwrapFileKey(_stanzas: Stanza[]): Uint8Array {
    return this.#fileKey.slice();
  }
}

/** @throws CleanRoomError `key-release-refused` when the key is of another file, or the file is damaged */
export async function openWithFileKey(fileKey: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(new FileKeyIdentity(fileKey));
  try {
    return await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new CleanRoomError('key-release-refused', 'The released key does not open the sealed asset.', {
      cause
    });
  }
}

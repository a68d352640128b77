import type { Stanza } from 'age-encryption';
import { Decrypter, Encrypter, type Identity } from 'age-encryption';
import { CleanRoomError } from '../errors/index.js';
import type { Recipient } from '../documents/keys.js';

/** Seals bytes as an age file that each of the `recipients` can open. */
export async function sealTo(recipients: readonly Recipient[], bytes: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(bytes);
}

/**
 * Opens an age file.
 *
 * @param identity - an age identity, `AGE-SECRET-KEY-1…`
 * @throws CleanRoomError `forbidden` when the file is not sealed to this identity, or is damaged
 */
export async function openWith(identity: string, sealed: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new CleanRoomError('forbidden', 'This key cannot open the sealed file, or the file is damaged.', {
      cause
    });
  }
}

/** An age identity that opens one file with its file key (16 bytes), as a custodian releases it. */
export class FileKeyIdentity implements Identity {
  readonly #fileKey: Uint8Array;

  constructor(fileKey: Uint8Array) {
    this.#fileKey = fileKey;
  }

  /** Returns the file key, without looking at the stanzas. */
  unwrapFileKey(_stanzas: Stanza[]): Uint8Array {
    return this.#fileKey.slice();
  }
}

/**
 * Opens an age file with its file key.
 *
 * @param fileKey - 16 bytes
 * @throws CleanRoomError `key-release-refused` when the key is that of another file, or the file is damaged
 */
export async function openWithFileKey(fileKey: Uint8Array, sealed: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(new FileKeyIdentity(fileKey));
  try {
    return await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new CleanRoomError(
      'key-release-refused',
      'The released key cannot open the sealed file, or the file is damaged.',
      {
        cause
      }
    );
  }
}

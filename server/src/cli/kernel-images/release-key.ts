import { existsSync } from 'node:fs';
import path from 'node:path';
import type { PublicKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Signer } from '../../custodian/index.js';
import { openToken } from './pkcs11.js';

/**
 * Creates a release key in a file that only its owner can read.
 *
 * @throws CleanRoomError `conflict` when the file exists; a key is never overwritten
 */
export async function createReleaseKey(file: string): Promise<PublicKey> {
  if (existsSync(file)) {
    throw new CleanRoomError('conflict', `${file} already exists. It was not changed.`, {
      remedy: 'Name a new file for the key.'
    });
  }
  const { ensureSigningKey } = await import('../../custodian/index.js');
  return (await ensureSigningKey(file)).publicKey;
}

/**
 * Opens a release key: a file that only its owner can read, or a key in a hardware security module.
 *
 * @param location - a file, or a PKCS #11 URI (RFC 7512)
 * @param folder - the folder that a relative file name refers to
 * @throws CleanRoomError `unavailable`, `forbidden`, `malformed`
 */
export async function openReleaseKey(location: string, folder: string): Promise<Signer> {
  if (location.startsWith('pkcs11:')) return openToken(location);
  const { fileSigner } = await import('../../custodian/index.js');
  return fileSigner(path.resolve(folder, location));
}

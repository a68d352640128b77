import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { fromBase64Url, toBase64Url } from '@clean-room/protocol/bytes';
import { generateSigningKey, signBytes, signingKey, type SigningKey } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readSecretFile } from '../../platform/files/secret-file.js';
import type { KeyStore, Signer } from './key-store.js';

/**
 * Reads an Ed25519 key from a file that only its owner can read.
 * @throws CleanRoomError `not-found`, `forbidden` when others can read the file, `malformed`
 */
export async function readSigningKey(file: string): Promise<SigningKey> {
  const text = await readSecretFile(file);
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) {
    throw new CleanRoomError('malformed', `${file} does not contain a signing key.`, {
      remedy: 'Restore it from a backup.'
    });
  }
  return signingKey(fromBase64Url(text));
}

/** Reads an Ed25519 key from a file, or creates both if the file does not exist. A key is never overwritten. */
export async function ensureSigningKey(file: string): Promise<SigningKey> {
  if (!existsSync(file)) {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, `${toBase64Url(generateSigningKey().secret)}\n`, 0o600);
  }
  return readSigningKey(file);
}

/**
 * Opens a signing key in a file that only its owner can read.
 * @throws CleanRoomError `unavailable`, `forbidden`, `malformed`
 */
export async function fileSigner(file: string): Promise<Signer> {
  const key = await readSigningKey(file);
  return { publicKey: key.publicKey, sign: async bytes => signBytes(key, bytes) };
}

async function ensureAgeIdentity(file: string): Promise<string> {
  if (!existsSync(file)) await writeFileAtomic(file, `${await generateX25519Identity()}\n`, 0o600);
  return readSecretFile(file);
}

/** Opens a folder with the files `signing.key` and `age.key`, both with mode 0600. Missing keys are created. */
export async function openKeyFolder(folder: string): Promise<KeyStore> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const signing = await ensureSigningKey(path.join(folder, 'signing.key'));
  const age = await ensureAgeIdentity(path.join(folder, 'age.key'));
  return {
    publicKey: signing.publicKey,
    recipient: await identityToRecipient(age),
    sign: async bytes => signBytes(signing, bytes),
    fileKeyOf: header => unwrapFileKey(age, header)
  };
}

async function unwrapFileKey(identity: string, header: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    throw new CleanRoomError('forbidden', 'The file is not sealed to this custodian, or it is damaged.', {
      cause
    });
  }
}

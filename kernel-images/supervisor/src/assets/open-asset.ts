import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Decrypter } from 'age-encryption';
import { digestFromHash } from '@clean-room/protocol/bytes';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import { FileKeyIdentity } from '@clean-room/protocol/sealing';
import { PassingFailure, openExchange, withPatience, type Patience } from '../network/index.js';
import type { TrustedAsset } from '../trust/index.js';

const PATIENCE: Patience = { totalMs: 900_000, firstDelayMs: 500, longestDelayMs: 30_000 };
const TIMEOUT_MS = 3_600_000;

/** Passes the sealed bytes on, and breaks off when they are longer or others than the signed version says. */
async function* checked(body: AsyncIterable<Uint8Array>, asset: TrustedAsset): AsyncGenerator<Uint8Array> {
  const { digest, bytes } = asset.version.value.sealed;
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytes)
      throw new CleanRoomError('digest-mismatch', 'A sealed asset is longer than it should be.');
    hash.update(chunk);
    yield chunk;
  }
  if (length < bytes) throw new PassingFailure('The download broke off.');
  if (digestFromHash(hash.digest()) !== digest) {
    throw new CleanRoomError('digest-mismatch', 'A sealed asset is not the one that its version names.');
  }
}

async function openOnce(asset: TrustedAsset, fileKey: Uint8Array, goal: string): Promise<void> {
  const limit = asset.version.value.sealed.bytes;
  const response = await openExchange(
    { method: 'GET', url: asset.sealed, limit, timeoutMs: TIMEOUT_MS },
    [200]
  );
  if (response.body === null) throw new PassingFailure('The download had no body.');
  const sealed = Readable.toWeb(Readable.from(checked(response.body, asset)));
  const decrypter = new Decrypter();
  decrypter.addIdentity(new FileKeyIdentity(fileKey));
  try {
    const opened = await decrypter.decrypt(sealed as ReadableStream<Uint8Array>);
    await pipeline(
      Readable.fromWeb(opened as Parameters<typeof Readable.fromWeb>[0]),
      createWriteStream(goal, { mode: 0o600 })
    );
  } catch (error) {
    if (isCleanRoomError(error) || error instanceof PassingFailure) throw error;
    if (error instanceof TypeError) throw new PassingFailure('The download broke off.', { cause: error });
    throw new CleanRoomError('key-release-refused', 'The released key does not open the sealed asset.', {
      cause: error
    });
  }
}

/** The folder of an asset below the jail's data, as `open_dataset` looks for it. */
export function assetFolder(jail: string, name: string): string {
  return join(jail, 'data', ...name.split('/'));
}

/**
 * Fetches an asset's sealed bytes, opens them with the released file key as a stream, and lays the Parquet file beside
 * its schema where the sandbox can read and not write it. A broken download begins anew.
 * @returns path of the Parquet file
 * @throws CleanRoomError `digest-mismatch`, `key-release-refused`, `unavailable`
 */
export async function openAsset(asset: TrustedAsset, fileKey: Uint8Array, jail: string): Promise<string> {
  const folder = assetFolder(jail, asset.pinned.name);
  const goal = join(folder, 'data.parquet');
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await withPatience(
    PATIENCE,
    () => openOnce(asset, fileKey, goal),
    cause => new CleanRoomError('unavailable', 'A sealed asset could not be fetched in time.', { cause })
  );
  await writeFile(join(folder, 'schema.json'), asset.version.bytes, { mode: 0o644 });
  for (const path of [dirname(folder), folder]) await chmod(path, 0o755);
  await chmod(goal, 0o644);
  return goal;
}

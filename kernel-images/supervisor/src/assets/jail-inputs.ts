import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { providerOf } from '@clean-room/protocol/assets';
import type { Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { TransferAddress } from '@clean-room/protocol/jobs';
import type { ReleasedKeys } from '../keys/answer.js';
import type { Dataset } from '../filter/rows/dataset.js';
import { openParquetDataset } from '../filter/rows/parquet.js';
import type { TrustedAsset } from '../trust/documents.js';
import { openSealed } from './open-sealed.js';

/** Folder of the jail with the data, which only the supervisor can write to. */
function dataFolder(jail: string): string {
  return join(jail, 'data');
}

/** Folder of the jail with the parameters, which only the supervisor can write to. */
function parametersFolder(jail: string): string {
  return join(jail, 'clean-room');
}

/**
 * Writes the file that the notebook reads its parameters from.
 *
 * @param parameters - the JSON text from the spec
 */
export async function writeParameters(jail: string, parameters: string): Promise<void> {
  const folder = parametersFolder(jail);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  await writeFile(join(folder, 'parameters.json'), parameters, { mode: 0o644 });
}

/** Returns the address from which an object can be downloaded. */
type AddressOf = (object: { readonly digest: Digest; readonly bytes: number }) => Promise<TransferAddress>;

async function openAsset(
  jail: string,
  asset: TrustedAsset,
  released: ReadonlyMap<string, ReleasedKeys>,
  addressOf: AddressOf,
  signal?: AbortSignal
): Promise<Dataset> {
  const { version, pinned } = asset;
  const fileKey = released.get(providerOf(pinned.name))?.fileKeys.get(version.digest);
  if (fileKey === undefined)
    throw new CleanRoomError('key-release-refused', `No key was released for ${pinned.name}.`);
  const folder = join(dataFolder(jail), pinned.name);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, 'data.parquet');
  const { digest, bytes } = version.value.sealed;
  const address = () => addressOf({ digest, bytes });
  await openSealed({ address, digest, bytes, fileKey }, path, signal);
  await writeFile(join(folder, 'schema.json'), version.bytes, { mode: 0o644 });
  const identifiers = version.value.table.columns.filter(column => column.role === 'identifier');
  return openParquetDataset(pinned.name, path, new Set(identifiers.map(column => column.name)));
}

/**
 * Opens every asset into the jail, where the sandbox can read but not write it. The file keys are erased afterwards, also after an error.
 *
 * @param addressOf - returns the address of a sealed object
 * @returns the datasets, for the filter to compare outputs with
 * @throws CleanRoomError `key-release-refused` and those of `openSealed` and `openParquetDataset`
 */
export async function writeAssets(
  jail: string,
  assets: readonly TrustedAsset[],
  released: ReadonlyMap<string, ReleasedKeys>,
  addressOf: AddressOf,
  signal?: AbortSignal
): Promise<Dataset[]> {
  try {
    const datasets: Dataset[] = [];
    for (const asset of assets) datasets.push(await openAsset(jail, asset, released, addressOf, signal));
    return datasets;
  } finally {
    for (const { fileKeys } of released.values()) for (const key of fileKeys.values()) key.fill(0);
  }
}

/** Removes the data and the parameters from the jail. */
export async function clearInputs(jail: string): Promise<void> {
  await rm(parametersFolder(jail), { recursive: true, force: true });
  const data = dataFolder(jail);
  for (const party of await readdir(data)) await rm(join(data, party), { recursive: true, force: true });
}

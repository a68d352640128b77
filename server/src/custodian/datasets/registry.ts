import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { systemErrorCode, writeFileAtomic } from '@clean-room/node-support';
import { AssetVersion } from '@clean-room/protocol/assets';
import type { Digest } from '@clean-room/protocol/bytes';
import {
  checkSchema,
  Envelope,
  parseStrictJson,
  type PublicKey,
  type ReadDocument
} from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { Policy } from '@clean-room/protocol/policies';
import { readAgeHeader, type SealedFile } from './sealed-file.js';

/** One version of an asset that this custodian has provisioned: its signed documents and its files. */
export interface ProvisionedAsset {
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
  readonly envelopes: { readonly version: Envelope; readonly policy: Envelope };
  readonly sealedFile: string;
  readonly standInFile: string;
  /** Returns the text header of the sealed file, from which the file key is found. */
  header(): Promise<Uint8Array>;
}

/** A version number that is reserved while an asset is provisioned. */
export interface Reservation {
  readonly version: number;
  /** Adds the version to the registry, atomically. */
  commit(parts: {
    version: Envelope;
    policy: Envelope;
    sealed: SealedFile;
    standIn: Uint8Array;
  }): Promise<void>;
  /** Ends the reservation without adding a version. */
  cancel(): Promise<void>;
}

const DATASET_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

async function readEnvelope(file: string): Promise<Envelope> {
  return checkSchema(
    Envelope,
    parseStrictJson(new Uint8Array(await readFile(file))),
    `signed document ${file}`
  );
}

/**
 * The assets that this custodian has provisioned, as files: `<dataset>/<version>/…`. They are files and not database rows
 * because a steward's command writes them while the custodian is running. Every read verifies the custodian's own signature.
 */
export class AssetRegistry {
  readonly #folder: string;
  readonly #key: PublicKey;

  /** @param key - the key that must have signed versions and policies */
  constructor(folder: string, key: PublicKey) {
    this.#folder = folder;
    this.#key = key;
  }

  /** Returns the folder in which sealed files are written before they are committed. */
  async incomingFolder(): Promise<string> {
    const folder = path.join(this.#folder, 'incoming');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Returns the version numbers of a dataset, reserved ones included. */
  async #numbers(dataset: string): Promise<number[]> {
    const folder = path.join(this.#folder, dataset);
    if (!existsSync(folder)) return [];
    return (await readdir(folder)).map(name => Number(name.replace('.new', ''))).filter(Number.isSafeInteger);
  }

  /**
   * Reserves the next version number of a dataset.
   * @throws CleanRoomError `malformed` for an invalid name
   */
  async reserve(dataset: string): Promise<Reservation> {
    if (!DATASET_NAME.test(dataset)) {
      throw new CleanRoomError('malformed', `"${dataset.slice(0, 80)}" is not a valid dataset name.`, {
        remedy: 'Use lower-case letters, digits, "-" and "_", at most 63 characters.'
      });
    }
    const folder = path.join(this.#folder, dataset);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (let version = Math.max(0, ...(await this.#numbers(dataset))) + 1; ; version++) {
      const reserved = path.join(folder, `${version}.new`);
      try {
        await mkdir(reserved, { mode: 0o700 });
      } catch (error) {
        if (systemErrorCode(error) === 'EEXIST') continue;
        throw error;
      }
      return {
        version,
        cancel: () => rm(reserved, { recursive: true, force: true }),
        commit: async parts => {
          await rename(parts.sealed.file, path.join(reserved, 'data.parquet.age'));
          await writeFileAtomic(path.join(reserved, 'stand-in.parquet'), parts.standIn);
          await writeFileAtomic(path.join(reserved, 'policy.json'), JSON.stringify(parts.policy));
          await writeFileAtomic(path.join(reserved, 'version.json'), JSON.stringify(parts.version));
          await rename(reserved, path.join(folder, String(version)));
        }
      };
    }
  }

  async #read(folder: string): Promise<ProvisionedAsset> {
    const [version, policy] = await Promise.all([
      readEnvelope(path.join(folder, 'version.json')),
      readEnvelope(path.join(folder, 'policy.json'))
    ]);
    const sealedFile = path.join(folder, 'data.parquet.age');
    return {
      version: AssetVersion.open(version, this.#key),
      policy: Policy.open(policy, this.#key),
      envelopes: { version, policy },
      sealedFile,
      standInFile: path.join(folder, 'stand-in.parquet'),
      header: () => readAgeHeader(sealedFile)
    };
  }

  /**
   * Returns all versions, sorted by dataset name and version number.
   * @throws CleanRoomError `signature-invalid`
   */
  async list(): Promise<ProvisionedAsset[]> {
    if (!existsSync(this.#folder)) return [];
    const datasets = (await readdir(this.#folder))
      .filter(name => name !== 'incoming' && DATASET_NAME.test(name))
      .sort();
    const assets: ProvisionedAsset[] = [];
    for (const dataset of datasets) {
      const numbers = (await this.#numbers(dataset)).sort((a, b) => a - b);
      for (const number of numbers) {
        const folder = path.join(this.#folder, dataset, String(number));
        if (existsSync(folder)) assets.push(await this.#read(folder));
      }
    }
    return assets;
  }

  /**
   * Returns one version of an asset.
   *
   * @param version - the version's digest
   * @throws CleanRoomError `not-found` when this custodian has not signed such a version
   */
  async find(name: string, version: Digest): Promise<ProvisionedAsset> {
    const asset = (await this.list()).find(
      candidate => candidate.version.digest === version && candidate.version.value.name === name
    );
    if (asset !== undefined) return asset;
    throw new CleanRoomError('not-found', `This custodian has not provisioned this version of ${name}.`);
  }
}

import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
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
import { writeFileAtomic } from '@clean-room/node-support';
import { readAgeHeader } from '../sealing/header.js';
import type { SealedFile } from '../sealing/seal.js';

/** One provisioned version: what was signed, and where its sealed bytes and stand-in lie. */
export interface ProvisionedAsset {
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
  readonly envelopes: { readonly version: Envelope; readonly policy: Envelope };
  readonly sealedFile: string;
  readonly standInFile: string;
  /** Text header of the sealed file: what its file key is found by. */
  header(): Promise<Uint8Array>;
}

/** A version number that is held for one provisioning. */
export interface Reservation {
  readonly version: number;
  /** Makes the version part of the registry, in one move. */
  commit(parts: {
    version: Envelope;
    policy: Envelope;
    sealed: SealedFile;
    standIn: Uint8Array;
  }): Promise<void>;
  release(): Promise<void>;
}

const DATASET = /^[a-z0-9][a-z0-9_-]{0,62}$/;

async function readEnvelope(file: string): Promise<Envelope> {
  return checkSchema(
    Envelope,
    parseStrictJson(new Uint8Array(await readFile(file))),
    `signed document ${file}`
  );
}

/**
 * What this custodian has provisioned, as files of its own: `<dataset>/<version>/…`. Files, not rows: a steward's command
 * writes while the custodian runs. Every read checks the custodian's own signature.
 */
export class AssetRegistry {
  readonly #folder: string;
  readonly #key: PublicKey;

  constructor(folder: string, key: PublicKey) {
    this.#folder = folder;
    this.#key = key;
  }

  /** Where sealed files are put together. */
  async incoming(): Promise<string> {
    const folder = path.join(this.#folder, 'incoming');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  async #numbers(dataset: string): Promise<number[]> {
    const folder = path.join(this.#folder, dataset);
    if (!existsSync(folder)) return [];
    return (await readdir(folder)).map(name => Number(name.replace('.new', ''))).filter(Number.isSafeInteger);
  }

  /** Holds the next version number of a dataset. */
  async reserve(dataset: string): Promise<Reservation> {
    if (!DATASET.test(dataset))
      throw new CleanRoomError('malformed', `"${dataset.slice(0, 80)}" is no dataset’s name.`);
    const folder = path.join(this.#folder, dataset);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (let version = Math.max(0, ...(await this.#numbers(dataset))) + 1; ; version++) {
      const place = path.join(folder, `${version}.new`);
      try {
        await mkdir(place, { mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
        throw error;
      }
      return {
        version,
        release: () => rm(place, { recursive: true, force: true }),
        commit: async parts => {
          await rename(parts.sealed.file, path.join(place, 'data.parquet.age'));
          await writeFileAtomic(path.join(place, 'stand-in.parquet'), parts.standIn);
          await writeFileAtomic(path.join(place, 'policy.json'), JSON.stringify(parts.policy));
          await writeFileAtomic(path.join(place, 'version.json'), JSON.stringify(parts.version));
          await rename(place, path.join(folder, String(version)));
        }
      };
    }
  }

  async #read(place: string): Promise<ProvisionedAsset> {
    const [version, policy] = await Promise.all([
      readEnvelope(path.join(place, 'version.json')),
      readEnvelope(path.join(place, 'policy.json'))
    ]);
    const sealedFile = path.join(place, 'data.parquet.age');
    return {
      version: AssetVersion.open(version, this.#key),
      policy: Policy.open(policy, this.#key),
      envelopes: { version, policy },
      sealedFile,
      standInFile: path.join(place, 'stand-in.parquet'),
      header: () => readAgeHeader(sealedFile)
    };
  }

  /** Every version, datasets in the order of their names, oldest first. */
  async list(): Promise<ProvisionedAsset[]> {
    if (!existsSync(this.#folder)) return [];
    const datasets = (await readdir(this.#folder))
      .filter(name => name !== 'incoming' && DATASET.test(name))
      .sort();
    const assets: ProvisionedAsset[] = [];
    for (const dataset of datasets) {
      const numbers = (await this.#numbers(dataset)).sort((a, b) => a - b);
      for (const number of numbers) {
        const place = path.join(this.#folder, dataset, String(number));
        if (existsSync(place)) assets.push(await this.#read(place));
      }
    }
    return assets;
  }

  /** @throws CleanRoomError `not-found` when this custodian never signed such a version */
  async find(name: string, version: Digest): Promise<ProvisionedAsset> {
    const asset = (await this.list()).find(
      candidate => candidate.version.digest === version && candidate.version.value.name === name
    );
    if (asset !== undefined) return asset;
    throw new CleanRoomError('not-found', `This custodian never provisioned that version of ${name}.`);
  }
}

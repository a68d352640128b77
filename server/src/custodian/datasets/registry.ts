import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { exists, writeFileAtomic } from '@clean-room/node-support';
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

/** The signed documents of one version of an asset. */
interface AssetEnvelopes {
  readonly version: Envelope;
  readonly policy: Envelope;
}

/** One version of an asset that this custodian has signed. */
export interface ProvisionedAsset {
  readonly version: ReadDocument<AssetVersion>;
  readonly policy: ReadDocument<Policy>;
  readonly envelopes: AssetEnvelopes;
  /** Whether the provider has withdrawn the dataset. */
  readonly withdrawn: boolean;
}

const DATASET_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const WITHDRAWN = 'withdrawn';

async function readEnvelope(file: string): Promise<Envelope> {
  return checkSchema(
    Envelope,
    parseStrictJson(new Uint8Array(await readFile(file))),
    `signed document ${file}`
  );
}

/**
 * The assets that this custodian has signed, as files: `<dataset>/<version>/…`. Every read verifies the custodian's own signature.
 */
export class AssetRegistry {
  readonly #folder: string;
  readonly #key: PublicKey;

  /** @param key - the key that must have signed versions and policies */
  constructor(folder: string, key: PublicKey) {
    this.#folder = folder;
    this.#key = key;
  }

  #path(dataset: string, ...parts: readonly string[]): string {
    if (!DATASET_NAME.test(dataset)) {
      throw new CleanRoomError('malformed', `"${dataset.slice(0, 80)}" is not a valid dataset name.`, {
        remedy: 'Use lower-case letters, digits, "-" and "_", at most 63 characters.'
      });
    }
    return path.join(this.#folder, dataset, ...parts);
  }

  /**
   * Adds a version, or completes one whose addition a crash has interrupted. A new version ends the withdrawal of a dataset.
   * @throws CleanRoomError `malformed` for an invalid name
   */
  async add(dataset: string, version: number, { version: asset, policy }: AssetEnvelopes): Promise<void> {
    const draft = this.#path(dataset, `${version}.new`);
    await mkdir(draft, { recursive: true, mode: 0o700 });
    await writeFileAtomic(path.join(draft, 'policy.json'), JSON.stringify(policy));
    await writeFileAtomic(path.join(draft, 'version.json'), JSON.stringify(asset));
    await rename(draft, this.#path(dataset, String(version)));
    await rm(this.#path(dataset, WITHDRAWN), { force: true });
  }

  /** Marks a dataset as withdrawn. */
  async withdraw(dataset: string): Promise<void> {
    await writeFileAtomic(this.#path(dataset, WITHDRAWN), '');
  }

  /** Returns one version of a dataset, if it exists. */
  async version(dataset: string, version: number): Promise<ProvisionedAsset | undefined> {
    const folder = this.#path(dataset, String(version));
    if (!(await exists(path.join(folder, 'version.json')))) return undefined;
    const [asset, policy] = await Promise.all([
      readEnvelope(path.join(folder, 'version.json')),
      readEnvelope(path.join(folder, 'policy.json'))
    ]);
    return {
      version: AssetVersion.open(asset, this.#key),
      policy: Policy.open(policy, this.#key),
      envelopes: { version: asset, policy },
      withdrawn: await exists(this.#path(dataset, WITHDRAWN))
    };
  }

  /**
   * Returns all versions, sorted by dataset name and version number.
   * @throws CleanRoomError `signature-invalid`
   */
  async list(): Promise<ProvisionedAsset[]> {
    if (!(await exists(this.#folder))) return [];
    const datasets = (await readdir(this.#folder)).filter(name => DATASET_NAME.test(name)).sort();
    const assets: ProvisionedAsset[] = [];
    for (const dataset of datasets) {
      const numbers = (await readdir(this.#path(dataset))).map(Number).filter(Number.isSafeInteger);
      for (const number of numbers.sort((a, b) => a - b)) {
        const asset = await this.version(dataset, number);
        if (asset !== undefined) assets.push(asset);
      }
    }
    return assets;
  }

  /**
   * Returns one version of an asset that has not been withdrawn.
   *
   * @param version - the version's digest
   * @throws CleanRoomError `not-found` when this custodian has not signed such a version, `policy-refused` when the dataset was
   * withdrawn
   */
  async find(name: string, version: Digest): Promise<ProvisionedAsset> {
    const asset = (await this.list()).find(
      candidate => candidate.version.digest === version && candidate.version.value.name === name
    );
    if (asset === undefined)
      throw new CleanRoomError('not-found', `This custodian has not provisioned this version of ${name}.`);
    if (asset.withdrawn)
      throw new CleanRoomError('policy-refused', `${name} was withdrawn by its provider.`, {
        remedy: 'Ask the provider whether it will be available again.'
      });
    return asset;
  }
}

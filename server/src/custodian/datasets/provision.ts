import { createReadStream } from 'node:fs';
import { readFile, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { digestOf } from '@clean-room/protocol/bytes';
import { AssetVersion, type TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Collaboration } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { signDocument, type KeyStore } from '../keys/key-store.js';
import { policyFrom, sealedFor, type PolicyFile } from './policy-file.js';
import type { AssetRegistry, ProvisionedAsset } from './registry.js';
import { sealToFile, type SealedFile } from './sealed-file.js';

/** A dataset to provision. */
export interface ProvisionOptions {
  /** `party/dataset` */
  readonly name: string;
  /** The table as Parquet, with the types of the schema. `rows` returns their number when all bytes were read. */
  readonly data: { readonly parquet: AsyncIterable<Uint8Array>; rows(): number };
  /** The random stand-in as Parquet, made from the schema only. */
  readonly standIn: { readonly bytes: Uint8Array; readonly rows: number };
  /** The schema that the steward confirmed. It becomes public. */
  readonly schema: TableSchema;
  readonly description: string;
  readonly policy: PolicyFile;
  readonly collaboration: Collaboration;
  /** Whether this custodian shares process, database, user or host with the coordinator. */
  readonly coHosted: boolean;
  /** Whether this custodian takes people at their word. */
  readonly demo: boolean;
  readonly now: Date;
}

/** The provider's own keys and assets. */
export interface Provider {
  readonly party: string;
  readonly keys: KeyStore;
  readonly registry: AssetRegistry;
}

/**
 * Adds a dataset to the custodian's registry: seals the data to the custodian's own key, and signs version and policy.
 * Publishes nothing.
 *
 * @throws CleanRoomError `forbidden` for another party's name; `malformed` for a policy that cannot be signed, and
 * every error of the data. Nothing is stored then.
 */
export async function provision(
  provider: Provider,
  options: ProvisionOptions
): Promise<ProvisionedAsset & { rows: number }> {
  const [party, dataset = ''] = options.name.split('/');
  if (party !== provider.party) {
    throw new CleanRoomError(
      'forbidden',
      `This custodian belongs to ${provider.party} and cannot provision ${options.name}.`,
      { remedy: `Name the dataset ${provider.party}/${dataset || 'dataset'}.` }
    );
  }
  const reservation = await provider.registry.reserve(dataset);
  let sealed: SealedFile | undefined;
  try {
    const policy = policyFrom(options.policy, {
      ...options,
      asset: options.name,
      version: reservation.version
    });
    sealed = await sealToFile(
      options.data.parquet,
      provider.keys.recipient,
      await provider.registry.incomingFolder()
    );
    const { bytes: standIn, rows: standInRows } = options.standIn;
    const version = await signDocument(provider.keys, AssetVersion, {
      format: 'clean-room.asset/v1',
      name: options.name,
      version: reservation.version,
      description: options.description,
      table: options.schema,
      sealedFor: sealedFor(options.policy),
      sealed: { digest: sealed.digest, bytes: sealed.bytes },
      standIn: { kind: 'random', digest: digestOf(standIn), bytes: standIn.length, rows: standInRows }
    });
    const signedPolicy = await signDocument(provider.keys, Policy, policy);
    await reservation.commit({ version: version.envelope, policy: signedPolicy.envelope, sealed, standIn });
    return { ...(await provider.registry.find(options.name, version.digest)), rows: options.data.rows() };
  } catch (error) {
    await reservation.cancel();
    if (sealed !== undefined) await unlink(sealed.file).catch(() => undefined);
    throw error;
  }
}

/**
 * Publishes a provisioned asset: uploads its sealed bytes and its stand-in, and publishes the two signed documents. It is
 * safe to publish an asset again.
 */
export async function uploadAsset(client: Client, asset: ProvisionedAsset): Promise<void> {
  const { sealed, standIn } = asset.version.value;
  const bytes = Readable.toWeb(createReadStream(asset.sealedFile)) as ReadableStream<Uint8Array>;
  await client.upload(routes.putObject, { params: { digest: sealed.digest } }, bytes);
  await client.upload(
    routes.putObject,
    { params: { digest: standIn.digest } },
    new Uint8Array(await readFile(asset.standInFile))
  );
  await client.call(routes.publishAsset, { body: asset.envelopes });
}

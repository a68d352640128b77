import { unlink } from 'node:fs/promises';
import { digestOf } from '@clean-room/protocol/bytes';
import { AssetVersion, type TableSchema } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Collaboration } from '@clean-room/protocol/parties';
import { Policy } from '@clean-room/protocol/policies';
import { signDocument, type KeyStore } from '../keys/key-store.js';
import { policyFrom, sealedFor, type PolicyFile } from './policy/policy-file.js';
import type { AssetRegistry, ProvisionedAsset } from './registry/registry.js';
import { conformingRows, type TypedBatch } from './schema/conform.js';
import { sealToFile, type SealedFile } from './sealing/seal.js';
import { randomStandIn, STAND_IN_ROWS } from './stand-in/random-table.js';
import type { Table } from './table/table.js';
import { writeParquet } from './table/write-parquet.js';

export interface Provisioning {
  /** `party/dataset` */
  readonly name: string;
  readonly table: Table;
  /** As the steward confirmed it: from here on public. */
  readonly schema: TableSchema;
  readonly description: string;
  readonly policy: PolicyFile;
  readonly collaboration: Collaboration;
  readonly coHosted: boolean;
  readonly now: Date;
}

export interface Provider {
  readonly party: string;
  readonly keys: KeyStore;
  readonly registry: AssetRegistry;
}

async function* counted(
  rows: AsyncIterable<TypedBatch>,
  count: (rows: number) => void
): AsyncGenerator<TypedBatch> {
  for await (const batch of rows) {
    count(batch.rows);
    yield batch;
  }
}

/**
 * Brings a dataset into the custodian's keeping: checks every value against the schema, seals the data to the custodian's
 * own key, makes the stand-in from the schema alone, signs version and policy. Publishes nothing.
 * @throws CleanRoomError `malformed` for a schema that does not fit or a policy that can't be signed; nothing is kept then
 */
export async function provision(
  provider: Provider,
  asked: Provisioning
): Promise<ProvisionedAsset & { rows: number }> {
  const [party, dataset = ''] = asked.name.split('/');
  if (party !== provider.party) {
    throw new CleanRoomError(
      'forbidden',
      `This custodian is ${provider.party}’s, and ${asked.name} is not.`,
      {
        remedy: `Name it ${provider.party}/${dataset || 'dataset'}.`
      }
    );
  }
  const reservation = await provider.registry.reserve(dataset);
  let sealed: SealedFile | undefined;
  try {
    const policy = policyFrom(asked.policy, { ...asked, asset: asked.name, version: reservation.version });
    let rows = 0;
    const data = counted(conformingRows(asked.table, asked.schema), count => void (rows += count));
    sealed = await sealToFile(
      writeParquet(asked.schema, data),
      provider.keys.recipient,
      await provider.registry.incoming()
    );
    const standIn = await randomStandIn(asked.schema);
    const version = await signDocument(provider.keys, AssetVersion, {
      format: 'clean-room.asset/v1',
      name: asked.name,
      version: reservation.version,
      description: asked.description,
      table: asked.schema,
      sealedFor: sealedFor(asked.policy),
      sealed: { digest: sealed.digest, bytes: sealed.bytes },
      standIn: { kind: 'random', digest: digestOf(standIn), bytes: standIn.length, rows: STAND_IN_ROWS }
    });
    const signedPolicy = await signDocument(provider.keys, Policy, policy);
    await reservation.commit({ version: version.envelope, policy: signedPolicy.envelope, sealed, standIn });
    return { ...(await provider.registry.find(asked.name, version.digest)), rows };
  } catch (error) {
    await reservation.release();
    if (sealed !== undefined) await unlink(sealed.file).catch(() => undefined);
    throw error;
  }
}

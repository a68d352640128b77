import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Readable } from 'node:stream';
import { routes, type DatasetState, type PolicyFile } from '@clean-room/api/custodian';
import type { AssetVersion, StandInPrivacy, TableSchema } from '@clean-room/protocol/assets';
import { digestOf } from '@clean-room/protocol/bytes';
import { sealToFile } from '../../provisioning/seal.js';
import type { CustodianConnection } from './connect.js';

/** A version of a dataset to publish. */
export interface DatasetPublication {
  /** The part of the name after the slash. */
  readonly dataset: string;
  readonly description: string;
  readonly schema: TableSchema;
  readonly rows?: NonNullable<AssetVersion['rows']>;
  readonly policy: PolicyFile;
  /** The Parquet file with the data. It is sealed while it is read, so that it is never on disk. */
  readonly data: AsyncIterable<Uint8Array>;
  readonly standIn: {
    readonly kind: 'random' | 'synthetic' | 'public';
    readonly bytes: Uint8Array;
    readonly rows: number;
    readonly privacy?: StandInPrivacy;
    /** The ledger entry of a synthetic stand-in. */
    readonly reservation?: string;
  };
}

/**
 * Seals the data to the custodian, uploads the sealed data and the stand-in, and lets the custodian sign and publish them.
 *
 * @throws CleanRoomError the custodian's error. Nothing is then published.
 */
export async function publish(
  { client, custodian, collaboration }: CustodianConnection,
  publication: DatasetPublication
): Promise<DatasetState> {
  const { dataset, description, schema, rows, policy, data, standIn } = publication;
  const folder = await mkdtemp(path.join(tmpdir(), 'clean-room-sealed-'));
  try {
    const sealed = await sealToFile(data, custodian.recipient, folder);
    const bytes = Readable.toWeb(createReadStream(sealed.file)) as ReadableStream<Uint8Array>;
    await client.upload(routes.uploadDataset, { params: { digest: sealed.digest } }, bytes);
    const digest = digestOf(standIn.bytes);
    await client.upload(routes.uploadDataset, { params: { digest } }, standIn.bytes);
    return await client.call(routes.publishDataset, {
      params: { dataset },
      body: {
        id: randomBytes(16).toString('hex'),
        description,
        table: schema,
        ...(rows === undefined ? {} : { rows }),
        sealed: { digest: sealed.digest, bytes: sealed.bytes },
        standIn: {
          kind: standIn.kind,
          digest,
          bytes: standIn.bytes.length,
          rows: standIn.rows,
          ...(standIn.privacy === undefined ? {} : { privacy: standIn.privacy })
        },
        ...(standIn.reservation === undefined ? {} : { reservation: standIn.reservation }),
        policy,
        collaboration: collaboration.digest
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

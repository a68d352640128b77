import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { ProvisionedAsset } from './registry/registry.js';

/** Gives the coordinator what others may have: sealed bytes, stand-in, and the two signed documents. May be repeated. */
export async function publish(client: Client, asset: ProvisionedAsset): Promise<void> {
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

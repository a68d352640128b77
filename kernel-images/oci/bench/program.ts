import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LayoutStore } from '@clean-room/oci';
import { readManifest } from '@clean-room/protocol/packaging';
import { readSpec } from '@clean-room/protocol/submissions';
import { packageOnce } from './package-once.ts';

/** Packages once and ends: what starting Node for it costs. */
const [, , layout = '', staged = '', name = ''] = process.argv;
const store = await LayoutStore.open(layout);
const digest = await store.resolve('kernel');
if (digest === undefined) throw new Error('There is no kernel image.');
const manifest = await store.readManifest(digest);
const config = await readFile(store.blobPath(readManifest(manifest).value.config.digest));
const spec = readSpec(await readFile(join(staged, 'spec.json')));
await packageOnce(
  store,
  { workspace: join(staged, 'workspace'), kernelImage: { manifest, config }, spec },
  name
);

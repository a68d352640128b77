import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { writeFileAtomic } from '@clean-room/node-support';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { readCatalogue, type CataloguedAsset } from '../catalogue/catalogue.js';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { requireTrustRoots } from '../home/trust.js';
import type { Terminal } from '../terminal/terminal.js';

/** Returns the folder in which the kernels of notebooks look for stand-ins. */
function cacheFolder({ env }: Terminal): string {
  const configured = env['CLEAN_ROOM_STAND_INS'];
  return configured
    ? path.resolve(configured)
    : path.join(env['HOME'] || os.homedir(), '.local/share/clean-room/stand-ins');
}

/**
 * Downloads a stand-in, and replaces the cached one as a whole, so that a kernel never sees the data of one version together with
 * the schema of another.
 */
async function cacheStandIn(
  client: Client,
  { version, envelope }: CataloguedAsset,
  cache: string
): Promise<string> {
  const { name, standIn } = version.value;
  const bytes = await client.downloadBytes(
    routes.getObject,
    { params: { digest: standIn.digest } },
    standIn.bytes
  );
  if (digestOf(bytes) !== standIn.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      `The stand-in of ${name} is not the stand-in that its provider signed.`,
      { remedy: 'Try again. If it happens again, inform the operator.' }
    );
  }
  const folder = path.join(cache, name);
  await mkdir(path.dirname(folder), { recursive: true });
  const draft = await mkdtemp(path.join(path.dirname(folder), '.new-'));
  await writeFileAtomic(path.join(draft, 'data.parquet'), bytes, 0o644);
  await writeFileAtomic(path.join(draft, 'schema.json'), version.bytes, 0o644);
  await writeFileAtomic(path.join(draft, 'signed'), JSON.stringify(envelope), 0o644);
  await rm(folder, { recursive: true, force: true });
  await rename(draft, folder);
  return folder;
}

/** Reads the newest versions that an earlier download saw. A file that cannot be read is replaced. */
async function readNewestVersions(file: string): Promise<Record<string, unknown>> {
  try {
    const known: unknown = JSON.parse(await readFile(file, 'utf8'));
    return typeof known === 'object' && known !== null && !Array.isArray(known) ? { ...known } : {};
  } catch {
    return {};
  }
}

/**
 * Saves the newest version of each dataset, also of those that are not downloaded, so that `clean_room` can warn when a notebook
 * opens an older stand-in.
 */
async function saveNewestVersions(assets: Iterable<CataloguedAsset>, cache: string): Promise<void> {
  const file = path.join(cache, 'newest-versions.json');
  const versions = await readNewestVersions(file);
  for (const { version } of assets) versions[version.value.name] = version.value.version;
  await mkdir(cache, { recursive: true });
  await writeFileAtomic(file, `${JSON.stringify(versions, undefined, 2)}\n`, 0o644);
}

/** Adds `stand-ins`, which downloads signed stand-ins for notebooks. The kernels themselves have no credential. */
export const registerStandIns: Register = (program, act) => {
  program
    .command('stand-ins [datasets...]')
    .description('Download the stand-ins of datasets for local notebooks (default: all datasets)')
    .option('--party <party>', 'Party that you act for')
    .action(
      act(async (context, names: string[], { party }: { party?: string }) => {
        const { client } = await connect(context, party);
        const catalogue = await readCatalogue(client, await requireTrustRoots(context.home));
        const assets = new Map(catalogue.flatMap(({ assets: known }) => [...known]));
        const unknown = names.find(name => !assets.has(name));
        if (unknown !== undefined) {
          throw new CleanRoomError('not-found', `You cannot use a dataset named ${unknown}.`, {
            remedy: `Available datasets: ${[...assets.keys()].join(', ') || 'none yet'}.`
          });
        }
        const cache = cacheFolder(context.terminal);
        const selected = names.length === 0 ? [...assets.keys()] : names;
        const items = await Promise.all(
          selected
            .flatMap(name => assets.get(name) ?? [])
            .map(async asset => {
              const { name, version, standIn } = asset.version.value;
              return {
                name,
                version,
                kind: standIn.kind,
                rows: standIn.rows,
                folder: await cacheStandIn(client, asset, cache)
              };
            })
        );
        await saveNewestVersions(assets.values(), cache);
        return {
          value: { items },
          lines: items.map(
            ({ name, version, kind, rows, folder }) =>
              `${name} v${version}: ${kind}, ${rows} rows, in ${folder}`
          )
        };
      })
    );
};

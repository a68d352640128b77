import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { writeFileAtomic } from '@clean-room/node-support';
import { readCatalogue, type CataloguedAsset } from '../catalogue/catalogue.js';
import type { Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { requireTrustRoots } from '../home/trust.js';
import type { Terminal } from '../terminal/terminal.js';

/** Where notebooks' kernels look for stand-ins. */
function cacheFolder({ env }: Terminal): string {
  const named = env['CLEAN_ROOM_STAND_INS'];
  return named
    ? path.resolve(named)
    : path.join(env['HOME'] || os.homedir(), '.local/share/clean-room/stand-ins');
}

/** One stand-in, in one move: a kernel never sees data of one version beside the schema of another. */
async function keep(client: Client, { version, envelope }: CataloguedAsset, cache: string): Promise<string> {
  const { name, standIn } = version.value;
  const bytes = await client.downloadBytes(
    routes.getObject,
    { params: { digest: standIn.digest } },
    standIn.bytes
  );
  if (digestOf(bytes) !== standIn.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      `The stand-in of ${name} is not the one its provider signed.`,
      {
        remedy: 'Try again. If it stays, tell the operator.'
      }
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

/** Fetches signed stand-ins into the cache that notebooks' kernels read: the kernel itself holds no credential. */
export const registerStandIns: Register = (program, act) => {
  program
    .command('stand-ins [datasets...]')
    .description('fetch the stand-ins of datasets, all of them unless named, for notebooks here')
    .option('--party <party>', 'the party you act for')
    .action(
      act(async (context, names: string[], { party }: { party?: string }) => {
        const { client } = await connect(context, party);
        const catalogue = await readCatalogue(client, await requireTrustRoots(context.home));
        const assets = new Map(catalogue.flatMap(({ assets: known }) => [...known]));
        const missing = names.find(name => !assets.has(name));
        if (missing !== undefined) {
          throw new CleanRoomError('not-found', `There is no dataset ${missing} for you.`, {
            remedy: `There is: ${[...assets.keys()].join(', ') || 'none yet'}.`
          });
        }
        const cache = cacheFolder(context.terminal);
        const wanted = names.length === 0 ? [...assets.keys()] : names;
        const kept = await Promise.all(
          wanted
            .flatMap(name => assets.get(name) ?? [])
            .map(async asset => {
              const { name, version, standIn } = asset.version.value;
              return {
                name,
                version,
                kind: standIn.kind,
                rows: standIn.rows,
                folder: await keep(client, asset, cache)
              };
            })
        );
        return {
          value: { items: kept },
          lines: kept.map(
            ({ name, version, kind, rows, folder }) =>
              `${name} v${version}: ${kind}, ${rows} rows, in ${folder}`
          )
        };
      })
    );
};

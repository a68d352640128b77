import path from 'node:path';
import { readFile } from 'node:fs/promises';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { providerOf, type Column, type TableSchema } from '@clean-room/protocol/assets';
import type { Collaboration } from '@clean-room/protocol/parties';
import type { CustodianHome } from '../../custodian/config.js';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import { custodianHome } from '../custodian-folder.js';
import type { CommandContext, Register } from '../context.js';
import type { CommandResult } from '../terminal/answer.js';

interface Options {
  readonly name: string;
  readonly policy: string;
  readonly schema?: string;
  readonly description?: string;
  readonly custodian?: string;
  readonly yes?: boolean;
}

function columnWords({ name, type, nullable, minimum, maximum, categories, identifier }: Column): string {
  const bounds =
    minimum === undefined && maximum === undefined ? '' : `, ${minimum ?? '…'} to ${maximum ?? '…'}`;
  const list = categories === undefined ? '' : `, one of ${categories.join(' | ')}`;
  return `  ${name}: ${type}${nullable ? ', may be missing' : ''}${bounds}${list}${identifier === true ? '  [IDENTIFIER]' : ''}`;
}

/** Everything that will be public, shown before it is. Where nobody can be asked, only `--yes` or a schema file says yes. */
async function confirm(
  { terminal }: CommandContext,
  schema: TableSchema,
  remarks: readonly string[],
  yes: boolean
): Promise<void> {
  terminal.remark('These words become public, and the stand-in is made from them alone:');
  schema.columns.forEach(column => terminal.remark(columnWords(column)));
  remarks.forEach(remark => terminal.remark(`  ${remark}`));
  if (yes) return;
  const answer = await terminal.ask('Publish this schema? [y/N] ');
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return;
  throw new CleanRoomError('conflict', 'The schema was not confirmed. Nothing was published.', {
    remedy: 'Correct it in a file and give that with --schema, or confirm it with --yes.'
  });
}

async function collaborationOf(
  client: Client,
  { config }: CustodianHome,
  name: string
): Promise<Collaboration> {
  const { openMembership } = await import('../../custodian/index.js');
  const { items } = await client.call(routes.listCollaborations, {});
  const own = items.map(({ envelope }) => openMembership(envelope, config.party, config.rootKey).value);
  const found = own.find(({ assets }) => assets.includes(name)) ?? own[0];
  if (found !== undefined) return found;
  throw new CleanRoomError('not-found', `${config.party} is in no collaboration yet.`, {
    remedy: 'Have a collaboration signed by every party and published.'
  });
}

async function read(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (cause) {
    throw new CleanRoomError('not-found', `${file} can not be read.`, { cause });
  }
}

async function provisionFile(
  context: CommandContext,
  file: string,
  options: Options
): Promise<CommandResult> {
  const custodian = await import('../../custodian/index.js');
  const at = (name: string): string => path.resolve(context.terminal.folder, name);
  const own = await custodianHome(context, providerOf(options.name), options.custodian);
  const places = custodian.custodianPaths(own);
  const policy = custodian.readPolicyFile(await read(at(options.policy)));
  const table = await custodian.openTable(at(file));
  const given =
    options.schema === undefined ? undefined : custodian.readSchemaFile(await read(at(options.schema)));
  const proposal = given === undefined ? await custodian.inferSchema(table) : undefined;
  const schema = given?.schema ?? proposal?.schema ?? { columns: [] };
  const remarks = (proposal?.remarks ?? []).map(({ column, remark }) => `${column}: ${remark}`);
  await confirm(context, schema, remarks, options.yes === true);
  const client = custodian.coordinatorOf(own);
  const keys = await custodian.openKeyFolder(places.keys);
  const asset = await custodian.provision(
    { party: own.config.party, keys, registry: new custodian.AssetRegistry(places.assets, keys.publicKey) },
    {
      name: options.name,
      table,
      schema,
      description: options.description ?? given?.description ?? '',
      policy,
      collaboration: await collaborationOf(client, own, options.name),
      coHosted: own.config.hosting === 'co-hosted',
      now: context.terminal.now()
    }
  );
  await custodian.publish(client, asset);
  const { version } = asset;
  return {
    value: {
      name: version.value.name,
      version: version.value.version,
      versionDigest: version.digest,
      policyDigest: asset.policy.digest,
      rows: asset.rows,
      sealedFor: version.value.sealedFor
    },
    lines: [
      `${version.value.name} v${version.value.version}: ${asset.rows} rows, sealed for ${version.value.sealedFor}`,
      `version  ${version.digest}`,
      `policy   ${asset.policy.digest}`,
      'Published: the sealed data, the schema, a random stand-in and the policy. The data itself stayed here.'
    ]
  };
}

/** Brings a dataset into the clean room, on the provider's side. */
export const registerProvision: Register = (program, act) => {
  program
    .command('provision <file>')
    .description('seal a CSV or Parquet file, and publish its schema, stand-in and policy')
    .requiredOption('--name <party/dataset>', 'what it is called')
    .requiredOption('--policy <file>', 'the rules, as JSON')
    .option('--schema <file>', 'the schema, as JSON; read off the file unless given')
    .option('--description <text>', 'what the data is, for those who may ask for it')
    .option('--custodian <folder>', 'the custodian’s folder')
    .option('--yes', 'the schema is confirmed')
    .action(act(provisionFile));
};

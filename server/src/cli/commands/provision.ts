import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { providerOf, type Column, type TableSchema } from '@clean-room/protocol/assets';
import type { ReadDocument } from '@clean-room/protocol/documents';
import type { Collaboration } from '@clean-room/protocol/parties';
import type { CustodianHome } from '../../custodian/index.js';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { CommandContext, Register } from '../context.js';
import { openCustodianFolder } from '../custodian/custodian.js';
import { readRequired } from '../files.js';
import type { CommandResult } from '../terminal/result.js';

interface Options {
  readonly name: string;
  readonly policy: string;
  readonly schema?: string;
  readonly description?: string;
  readonly custodian?: string;
  readonly collaboration?: string;
  readonly yes?: boolean;
}

/** Describes a column in one line. */
function describeColumn({ name, type, nullable, minimum, maximum, categories, role }: Column): string {
  const bounds =
    minimum === undefined && maximum === undefined ? '' : `, ${minimum ?? '…'} to ${maximum ?? '…'}`;
  const list = categories === undefined ? '' : `, one of ${categories.join(' | ')}`;
  return `  ${name}: ${type}${nullable ? ', may be missing' : ''}${bounds}${list}${role === 'identifier' ? '  [IDENTIFIER]' : ''}`;
}

/**
 * Shows the schema, which becomes public, and asks the user to confirm it. Without an interactive terminal, only `--yes`
 * confirms it.
 */
async function confirm(
  { terminal }: CommandContext,
  schema: TableSchema,
  remarks: readonly string[],
  yes: boolean
): Promise<void> {
  terminal.remark('This schema becomes public. The stand-in is created from it, and not from the data:');
  schema.columns.forEach(column => terminal.remark(describeColumn(column)));
  remarks.forEach(remark => terminal.remark(`  ${remark}`));
  if (yes) return;
  const answer = await terminal.ask('Publish this schema? [y/N] ');
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return;
  throw new CleanRoomError('conflict', 'The schema was not confirmed. Nothing was published.', {
    remedy: 'Write a corrected schema to a file and use it with --schema, or confirm this schema with --yes.'
  });
}

/**
 * Returns the collaboration that the policy will name: the one with the given name, or the party's only one.
 * @throws CleanRoomError `not-found`, or `conflict` when there are several and none is named
 */
async function collaborationOf(
  client: Client,
  { config }: CustodianHome,
  name: string | undefined
): Promise<ReadDocument<Collaboration>> {
  const { openMembership } = await import('../../custodian/index.js');
  const { items } = await client.call(routes.listCollaborations, {});
  const own = items.map(({ envelope }) => openMembership(envelope, config.party, config.rootKey));
  const [found, ...others] = own.filter(({ value }) => name === undefined || value.name === name);
  if (found !== undefined && others.length === 0) return found;
  const names = own.map(({ value }) => value.name).join(', ');
  if (own.length > 0) {
    throw new CleanRoomError(
      found === undefined ? 'not-found' : 'conflict',
      found === undefined
        ? `${config.party} is not in a collaboration named ${name ?? ''}.`
        : `${config.party} is in several collaborations.`,
      { remedy: `Name one with --collaboration: ${names}.` }
    );
  }
  throw new CleanRoomError('not-found', `${config.party} is not in a collaboration yet.`, {
    remedy: 'Publish a collaboration that every party has signed.'
  });
}

async function provisionFile(
  context: CommandContext,
  file: string,
  options: Options
): Promise<CommandResult> {
  const custodian = await import('../../custodian/index.js');
  const at = (name: string): string => path.resolve(context.terminal.folder, name);
  const own = await openCustodianFolder(context, providerOf(options.name), options.custodian);
  const paths = custodian.custodianPaths(own);
  const policy = custodian.readPolicyFile(await readRequired(at(options.policy)));
  const table = await custodian.openTable(at(file));
  const given =
    options.schema === undefined
      ? undefined
      : custodian.readSchemaFile(await readRequired(at(options.schema)));
  const proposal = given === undefined ? await custodian.inferSchema(table) : undefined;
  const schema = given?.schema ?? proposal?.schema ?? { columns: [] };
  const remarks = (proposal?.remarks ?? []).map(({ column, remark }) => `${column}: ${remark}`);
  await confirm(context, schema, remarks, options.yes === true);
  const client = custodian.coordinatorClient(own);
  const keys = await custodian.openKeyFolder(paths.keys);
  const asset = await custodian.provision(
    { party: own.config.party, keys, registry: new custodian.AssetRegistry(paths.assets, keys.publicKey) },
    {
      name: options.name,
      table,
      schema,
      description: options.description ?? given?.description ?? '',
      policy,
      collaboration: await collaborationOf(client, own, options.collaboration),
      ...custodian.custodianMarks(own.config),
      now: context.terminal.now()
    }
  );
  await custodian.uploadAsset(client, asset);
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
      'Published the sealed data, the schema, a random stand-in and the policy. The unsealed data stays on this machine.'
    ]
  };
}

/** Adds `provision`, which seals a dataset on the provider's side and publishes it. */
export const registerProvision: Register = (program, act) => {
  program
    .command('provision <file>')
    .description('Seal a CSV or Parquet file, and publish it with its schema, stand-in and policy')
    .requiredOption('--name <party/dataset>', 'Name of the dataset')
    .requiredOption('--policy <file>', 'Policy as a JSON file')
    .option('--schema <file>', 'Schema as a JSON file (default: inferred from the data)')
    .option('--description <text>', 'Description of the dataset for researchers')
    .option('--custodian <folder>', 'Folder of the custodian')
    .option('--collaboration <name>', 'Collaboration in which the data may be used (default: the only one)')
    .option('--yes', 'Confirm the schema without asking')
    .action(act(provisionFile));
};

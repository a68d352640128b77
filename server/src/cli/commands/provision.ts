import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { AssetVersion, providerOf, type Column, type TableSchema } from '@clean-room/protocol/assets';
import type { CommandContext, Register } from '../context.js';
import { connectToCustodian, requireOwnHost } from '../custodian/connect.js';
import { publish } from '../custodian/publish.js';
import { readRequired } from '../files.js';
import type { CommandResult } from '../terminal/result.js';

interface Options {
  readonly name: string;
  readonly policy: string;
  readonly schema?: string;
  readonly description?: string;
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

async function provisionFile(
  context: CommandContext,
  file: string,
  options: Options
): Promise<CommandResult> {
  const custodian = await import('../../custodian/index.js');
  const { terminal } = context;
  const at = (name: string): string => path.resolve(terminal.folder, name);
  const party = providerOf(options.name);
  const connection = await connectToCustodian(context, party, options.collaboration);
  requireOwnHost(connection.roster, terminal.env);
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
  const standIn = await custodian.randomStandIn(schema);
  const published = await publish(connection, {
    dataset: options.name.slice(party.length + 1),
    description: options.description ?? given?.description ?? '',
    schema,
    policy,
    data: custodian.writeParquet(schema, custodian.conformingRows(table, schema)),
    standIn: { bytes: standIn, rows: custodian.STAND_IN_ROWS, kind: 'random' }
  });
  const { value } = AssetVersion.peek(published.asset);
  return {
    value: {
      name: published.name,
      version: published.version,
      versionDigest: published.versionDigest,
      policyDigest: published.policyDigest,
      sealedFor: value.sealedFor
    },
    lines: [
      `${published.name} v${published.version}, sealed for ${value.sealedFor}`,
      `version  ${published.versionDigest}`,
      `policy   ${published.policyDigest}`,
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
    .option('--collaboration <name>', 'Collaboration in which the data may be used (default: the only one)')
    .option('--yes', 'Confirm the schema without asking')
    .action(act(provisionFile));
};

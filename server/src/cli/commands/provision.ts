import { AssetVersion, providerOf } from '@clean-room/protocol/assets';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CommandContext, Register } from '../context.js';
import { connectToCustodian, requireOwnHost } from '../custodian/connect.js';
import { publish } from '../custodian/publish.js';
import { decidePolicy, type PolicyOptions } from '../provisioning/policy.js';
import { describeChanges } from '../provisioning/changes.js';
import { addStandInOptions, makeStandIn, type StandInOptions } from '../provisioning/stand-in.js';
import { decideTable } from '../tables/decide.js';
import { addTableOptions, type TableOptions } from '../tables/options.js';
import type { CommandResult } from '../terminal/result.js';

interface Options extends TableOptions, PolicyOptions, StandInOptions {
  readonly name: string;
  readonly description?: string;
  readonly collaboration?: string;
  readonly yes?: boolean;
}

/** Asks the user to confirm what was shown. Without an interactive terminal, only `--yes` confirms it. */
async function confirm({ terminal }: CommandContext, yes: boolean): Promise<void> {
  if (yes) return;
  const answer = await terminal.ask('Publish this schema, stand-in and policy? [y/N] ');
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return;
  throw new CleanRoomError('conflict', 'The dataset was not confirmed. Nothing was published.', {
    remedy:
      'Write a corrected schema to a file and use it with --schema, or confirm what was shown with --yes.'
  });
}

async function provisionFiles(
  context: CommandContext,
  files: readonly string[],
  options: Options
): Promise<CommandResult> {
  const provisioning = await import('../../provisioning/index.js');
  const { terminal } = context;
  const party = providerOf(options.name);
  const dataset = options.name.slice(party.length + 1);
  const connection = await connectToCustodian(context, party, options.collaboration);
  requireOwnHost(connection.roster, terminal.env);
  const policy = await decidePolicy(context, connection, options);
  const yes = options.yes === true;
  const { inspection, description } = await decideTable(context, files, options, yes);
  const { schema } = inspection;
  (await describeChanges(connection, options.name, schema)).forEach(line => terminal.remark(line));
  const { standIn, rows } = await makeStandIn(context, connection, {
    dataset,
    inspection,
    policy,
    options,
    yes
  });
  await confirm(context, yes);
  const data = await provisioning.conformTable(inspection);
  const published = await publish(connection, {
    dataset,
    description: options.description ?? description ?? '',
    schema,
    policy,
    data: data.bytes,
    ...(rows === undefined ? {} : { rows }),
    standIn
  });
  const { sealedFor } = AssetVersion.peek(published.asset).value;
  const { name, version, versionDigest, policyDigest } = published;
  return {
    value: { name, version, versionDigest, policyDigest, rows: data.rows(), sealedFor },
    lines: [
      `${name} v${version}: ${data.rows()} rows, sealed for ${sealedFor}`,
      `version  ${versionDigest}`,
      `policy   ${policyDigest}`,
      'Published the sealed data, the schema, the stand-in and the policy. The unsealed data stays on this machine.'
    ]
  };
}

/** Adds `provision`, which seals a dataset on the provider's side and publishes it. */
export const registerProvision: Register = (program, act) => {
  const command = program
    .command('provision <file...>')
    .description(
      'Seal CSV or Parquet files as one table, and publish it with its schema, stand-in and policy'
    )
    .requiredOption('--name <party/dataset>', 'Name of the dataset')
    .option('--policy <file>', 'Policy as a YAML or JSON file')
    .option(
      '--preset <name>',
      'Policy preset, if there is no file: health-research, advertising-measurement or open-data'
    );
  addStandInOptions(addTableOptions(command))
    .option('--description <text>', 'Description of the dataset for researchers')
    .option('--collaboration <name>', 'Collaboration in which the data may be used (default: the only one)')
    .option(
      '--yes',
      'Confirm everything without asking. Answers only questions for which a choice loses nothing'
    )
    .action(act(provisionFiles));
};

import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { providerOf } from '@clean-room/protocol/assets';
import type { Collaboration } from '@clean-room/protocol/parties';
import type { CustodianHome } from '../../custodian/index.js';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';
import type { CommandContext, Register } from '../context.js';
import { openCustodianFolder } from '../custodian/custodian.js';
import { readRequired } from '../files.js';
import { decideTable } from '../tables/decide.js';
import { addTableOptions, type TableOptions } from '../tables/options.js';
import type { CommandResult } from '../terminal/result.js';

interface Options extends TableOptions {
  readonly name: string;
  readonly policy: string;
  readonly description?: string;
  readonly custodian?: string;
  readonly yes?: boolean;
}

/** Asks the user to confirm the schema that was shown. Without an interactive terminal, only `--yes` confirms it. */
async function confirm({ terminal }: CommandContext, yes: boolean): Promise<void> {
  if (yes) return;
  const answer = await terminal.ask('Publish this schema? [y/N] ');
  if (answer !== undefined && /^y(es)?$/i.test(answer.trim())) return;
  throw new CleanRoomError('conflict', 'The schema was not confirmed. Nothing was published.', {
    remedy: 'Write a corrected schema to a file and use it with --schema, or confirm this schema with --yes.'
  });
}

/** Returns the party's collaboration that lists the dataset, or its first one. */
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
  throw new CleanRoomError('not-found', `${config.party} is not in a collaboration yet.`, {
    remedy: 'Publish a collaboration that every party has signed.'
  });
}

async function provisionFiles(
  context: CommandContext,
  files: readonly string[],
  options: Options
): Promise<CommandResult> {
  const custodian = await import('../../custodian/index.js');
  const provisioning = await import('../../provisioning/index.js');
  const own = await openCustodianFolder(context, providerOf(options.name), options.custodian);
  const paths = custodian.custodianPaths(own);
  const policy = custodian.readPolicyFile(
    await readRequired(path.resolve(context.terminal.folder, options.policy))
  );
  const yes = options.yes === true;
  const { inspection, description } = await decideTable(context, files, options, yes);
  await confirm(context, yes);
  const { schema } = inspection;
  const client = custodian.coordinatorClient(own);
  const keys = await custodian.openKeyFolder(paths.keys);
  const collaboration = await collaborationOf(client, own, options.name);
  const standIn = {
    bytes: await provisioning.randomStandIn(schema),
    rows: provisioning.STAND_IN_ROWS
  };
  const asset = await custodian.provision(
    { party: own.config.party, keys, registry: new custodian.AssetRegistry(paths.assets, keys.publicKey) },
    {
      name: options.name,
      data: await provisioning.conformTable(inspection),
      standIn,
      schema,
      description: options.description ?? description ?? '',
      policy,
      collaboration,
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
  const command = program
    .command('provision <file...>')
    .description(
      'Seal CSV or Parquet files as one table, and publish it with its schema, stand-in and policy'
    )
    .requiredOption('--name <party/dataset>', 'Name of the dataset')
    .requiredOption('--policy <file>', 'Policy as a JSON file');
  addTableOptions(command)
    .option('--description <text>', 'Description of the dataset for researchers')
    .option('--custodian <folder>', 'Folder of the custodian')
    .option(
      '--yes',
      'Confirm the schema without asking. Answers only questions for which a choice loses nothing'
    )
    .action(act(provisionFiles));
};

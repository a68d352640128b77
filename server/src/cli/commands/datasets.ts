import { routes, type DatasetState, type LedgerEntry } from '@clean-room/api/custodian';
import { AssetVersion, providerOf } from '@clean-room/protocol/assets';
import { Policy } from '@clean-room/protocol/policies';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { CommandContext, Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { connectToCustodian } from '../custodian/connect.js';

function entryLine({ state, unit, amount, steward, at }: LedgerEntry): string {
  return `    ${at.slice(0, 10)}  ${state.padEnd(8)}  ε = ${amount.epsilon}, δ = ${amount.delta}, ρ = ${amount.rho}  ${unit}  ${steward}`;
}

function datasetLines({ name, version, asset, policy, withdrawn, ledger }: DatasetState): string[] {
  const { standIn, sealedFor } = AssetVersion.peek(asset).value;
  const { validUntil, privacy } = Policy.peek(policy).value;
  const until = withdrawn ? 'withdrawn' : `available until ${validUntil.slice(0, 10)}`;
  const kind =
    standIn.privacy === undefined ? standIn.kind : `${standIn.kind}, ε = ${standIn.privacy.epsilon}`;
  return [
    `${name} v${version}  ${until}, sealed for ${sealedFor}, stand-in: ${kind}`,
    ...(ledger.length === 0
      ? []
      : [`  privacy ledger (at most ρ = ${privacy.rho}, ε = ${privacy.epsilon}):`]),
    ...ledger.map(entryLine)
  ];
}

async function ownParty(context: CommandContext, party: string | undefined): Promise<string> {
  const { party: acting } = await connect(context, party);
  if (acting !== undefined) return acting;
  throw new CleanRoomError('not-found', 'It is not known which party you act for.', {
    remedy: 'Name it with --party.'
  });
}

/** Adds `datasets`, which lists a party's own datasets. */
export const registerDatasets: Register = (program, act) => {
  program
    .command('datasets')
    .description('List the datasets of your party, with their policies and privacy ledgers')
    .option('--party <party>', 'Party that you act for')
    .option('--collaboration <name>', 'Collaboration, if your party is in several')
    .action(
      act(async (context, options: { party?: string; collaboration?: string }) => {
        const party = await ownParty(context, options.party);
        const { client } = await connectToCustodian(context, party, options.collaboration);
        const { items } = await client.call(routes.listDatasets, {});
        return {
          value: { items },
          lines: items.length === 0 ? ['There are no datasets.'] : items.flatMap(datasetLines)
        };
      })
    );
};

/** Adds `withdraw`, which ends the use of a dataset. */
export const registerWithdraw: Register = (program, act) => {
  program
    .command('withdraw <dataset>')
    .description('Withdraw a dataset: its keys are not released again, and its approvals are revoked')
    .option('--collaboration <name>', 'Collaboration, if your party is in several')
    .action(
      act(async (context, name: string, options: { collaboration?: string }) => {
        const party = providerOf(name);
        const { client } = await connectToCustodian(context, party, options.collaboration);
        const dataset = name.slice(party.length + 1);
        const state = await client.call(routes.withdrawDataset, { params: { dataset } });
        return {
          value: state,
          lines: [
            `${state.name} is withdrawn. No key of it is released any more, and its approvals are revoked.`,
            'Runs that already received its keys may still return results. A new version makes it available again.'
          ]
        };
      })
    );
};

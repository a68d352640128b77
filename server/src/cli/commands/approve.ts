import type { Client } from '@clean-room/api';
import { routes, type Submission } from '@clean-room/api/coordinator';
import { CleanRoomError, isCleanRoomError } from '@clean-room/protocol/errors';
import type { CustodianHome } from '../../custodian/index.js';
import { readCatalogue } from '../catalogue/catalogue.js';
import { waitFor, type CommandContext, type Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { approveUnattended, createTicket, openCustodianFolder } from '../custodian/custodian.js';
import { requireTrustRoots } from '../home/trust.js';
import { EXIT } from '../terminal/exit-codes.js';
import type { CommandResult } from '../terminal/result.js';

interface Options {
  readonly party?: string;
  readonly custodian?: string;
  readonly person: string;
  readonly withoutPasskey?: boolean;
  readonly runs: number;
  readonly spareStarts: number;
  readonly wait: boolean;
}

function decisionOf({ revisions }: Submission, party: string) {
  return revisions.at(-1)?.decisions.find(({ provider }) => provider === party);
}

/** Returns the provider for which the user decides: the party they act for, or the only provider. */
function providerOf(submission: Submission, party: string | undefined): string {
  const providers = submission.revisions.at(-1)?.decisions.map(({ provider }) => provider) ?? [];
  const [only, ...others] = providers;
  if (party !== undefined && providers.includes(party)) return party;
  if (only !== undefined && others.length === 0) return only;
  throw new CleanRoomError(
    'forbidden',
    providers.length === 0
      ? 'The submission does not use data of any provider.'
      : `The submission uses data of ${providers.join(' and ')}, and you are not acting for one of them.`,
    { remedy: 'Name the party that you decide for with --party.' }
  );
}

/** Returns the custodian's origin from the party's signed roster, so that the coordinator cannot send a reviewer elsewhere. */
async function custodianOrigin(context: CommandContext, client: Client, party: string): Promise<string> {
  const catalogue = await readCatalogue(client, await requireTrustRoots(context.home));
  const origin = catalogue.flatMap(({ rosters }) => rosters.get(party)?.custodian?.origin ?? [])[0];
  if (origin !== undefined) return origin;
  throw new CleanRoomError('not-found', `The roster of ${party} does not name a custodian.`);
}

/** Opens the custodian's folder, if the user manages that custodian. */
async function ownCustodian(
  context: CommandContext,
  party: string,
  options: Options
): Promise<CustodianHome | undefined> {
  try {
    return await openCustodianFolder(context, party, options.custodian);
  } catch (error) {
    if (options.custodian === undefined && isCleanRoomError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Returns the result of the command once the provider has decided. */
function decisionResult(submission: Submission, party: string): CommandResult | undefined {
  const decision = decisionOf(submission, party);
  if (decision === undefined || decision.state === 'pending') return undefined;
  return {
    value: { submission: submission.id, provider: party, state: decision.state, reason: decision.reason },
    lines: [
      `${party}: ${decision.state}${decision.reason === undefined ? '' : `: ${decision.reason.message}`}`
    ],
    exitCode: decision.state === 'approved' ? EXIT.ok : EXIT.refused
  };
}

async function approve(context: CommandContext, id: string, options: Options): Promise<CommandResult> {
  const { terminal } = context;
  const { client, party: acting } = await connect(context, options.party);
  const fetchSubmission = (): Promise<Submission> => client.call(routes.getSubmission, { params: { id } });
  const submission = await fetchSubmission();
  const party = providerOf(submission, acting);
  const earlier = decisionResult(submission, party);
  if (earlier !== undefined) return earlier;
  const origin = await custodianOrigin(context, client, party);
  const own = await ownCustodian(context, party, options);
  const ticket = own && (await createTicket(own, options.person, terminal.now())).ticket;
  if (options.withoutPasskey === true) {
    if (ticket === undefined) {
      throw new CleanRoomError(
        'forbidden',
        'Only a user who manages a demo custodian can approve without a passkey.',
        { remedy: 'Name the custodian’s folder with --custodian, or approve on its page.' }
      );
    }
    const { runs, spareStarts } = options;
    await approveUnattended(origin, ticket, id, { runs, spareStarts });
  } else {
    const page = `/approve/${id}`;
    const address =
      ticket === undefined ? `${origin}${page}` : `${origin}/sign-in?ticket=${ticket}&to=${page}`;
    terminal.remark(`Decide on the custodian’s own page:\n  ${address}`);
    if (!options.wait) return { value: { submission: id, provider: party, page: address }, lines: [address] };
  }
  return waitFor(terminal, async () => decisionResult(await fetchSubmission(), party));
}

/** Adds `approve`, which leads a reviewer to the custodian's own page. Approvals are given only there. */
export const registerApprove: Register = (program, act) => {
  program
    .command('approve <submission>')
    .description('Print the address of the approval page for a submission, and wait for the decision')
    .option('--party <party>', 'Party that you decide for')
    .option('--custodian <folder>', 'Folder of the custodian, to include a sign-in link')
    .option('--person <id>', 'Person who signs in with the link', 'demo')
    .option('--runs <count>', 'Number of runs to allow, with --without-passkey', Number, 1)
    .option(
      '--spare-starts <count>',
      'Further starts to allow, for machines that are lost after they received the keys, with --without-passkey',
      Number,
      0
    )
    .option(
      '--without-passkey',
      'Approve at a demo custodian without a browser; the approval is marked as unattended'
    )
    .option('--no-wait', 'Print the address without waiting for the decision')
    .action(act(approve));
};

/** Adds `reject`, which rejects a submission or revokes an approval. */
export const registerReject: Register = (program, act) => {
  program
    .command('reject <submission>')
    .description('Reject a submission, or revoke its approval')
    .requiredOption('--reason <text>', 'Comment to the researcher')
    .option('--party <party>', 'Party that you act for')
    .action(
      act(async (context, id: string, { reason, party }: { reason: string; party?: string }) => {
        const { client } = await connect(context, party);
        const outcome = await client.call(routes.reject, { params: { id }, body: { reason } });
        return { value: outcome, lines: [`Revision ${outcome.revision} is ${outcome.state}.`] };
      })
    );
};

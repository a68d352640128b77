import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import { text } from 'node:stream/consumers';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError, ERROR_CODES, isCleanRoomError, type ErrorCode } from '@clean-room/protocol/errors';
import type { Client } from '@clean-room/api';
import { routes, type Submission } from '@clean-room/api/coordinator';
import { writeTicket } from '../../custodian/sign-in/tickets.js';
import { custodianPaths, type CustodianHome } from '../../custodian/config.js';
import { readCatalogue } from '../catalogue/catalogue.js';
import type { CommandContext, Register } from '../context.js';
import { connect } from '../coordinator/connect.js';
import { waitFor } from '../coordinator/wait.js';
import { custodianHome } from '../custodian-folder.js';
import { parseJsonFile } from '../home/home.js';
import { requireTrustRoots } from '../home/trust.js';
import type { CommandResult } from '../terminal/answer.js';
import { EXIT } from '../terminal/exit-codes.js';

interface Options {
  readonly party?: string;
  readonly custodian?: string;
  readonly person?: string;
  readonly withoutPasskey?: boolean;
  readonly attempts: number;
  readonly wait: boolean;
}

function decisionOf({ revisions }: Submission, party: string) {
  return revisions.at(-1)?.decisions.find(({ provider }) => provider === party);
}

function providerOf(submission: Submission, party: string | undefined): string {
  const providers = submission.revisions.at(-1)?.decisions.map(({ provider }) => provider) ?? [];
  const [only, ...others] = providers;
  if (party !== undefined && providers.includes(party)) return party;
  if (only !== undefined && others.length === 0) return only;
  throw new CleanRoomError(
    'forbidden',
    `The submission asks for data of ${providers.join(' and ') || 'nobody'}.`,
    {
      remedy: 'Say for which party you decide, with --party.'
    }
  );
}

/** The custodian's origin as the party's signed roster names it: nobody else can point a reviewer to another page. */
async function originOf(context: CommandContext, client: Client, party: string): Promise<string> {
  const catalogue = await readCatalogue(client, await requireTrustRoots(context.home));
  const origin = catalogue.flatMap(({ rosters }) => rosters.get(party)?.custodian?.origin ?? [])[0];
  if (origin !== undefined) return origin;
  throw new CleanRoomError('not-found', `The roster of ${party} names no custodian.`);
}

async function ownCustodian(
  context: CommandContext,
  party: string,
  options: Options
): Promise<CustodianHome | undefined> {
  try {
    return await custodianHome(context, party, options.custodian);
  } catch (error) {
    if (options.custodian === undefined && isCleanRoomError(error, 'not-found')) return undefined;
    throw error;
  }
}

/** Names below `localhost` are this machine (RFC 6761 §6.3), also where the system's resolver does not know it. */
const loopback: LookupFunction = (hostname, options, done) => {
  if (!hostname.endsWith('.localhost')) lookup(hostname, options, done);
  else if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
};

async function post(address: URL, body: string): Promise<{ ok: boolean; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const send = address.protocol === 'https:' ? https.request : http.request;
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    origin: address.origin
  };
  send(address, { method: 'POST', headers, lookup: loopback }, resolve).on('error', reject).end(body);
  const response = await promise;
  return { ok: response.statusCode === 200, text: await text(response) };
}

const Failure = Type.Object({
  code: Type.Enum(Object.fromEntries(ERROR_CODES.map(code => [code, code]))),
  message: Type.String(),
  remedy: Type.Optional(Type.String())
});

/** Approves at a demo custodian, for runs without a browser: marked as unattended inside the approval itself. */
async function approveUnattended(
  origin: string,
  ticket: string,
  submission: string,
  attempts: number
): Promise<void> {
  const body = JSON.stringify({ ticket, submission, attempts });
  const response = await post(new URL('/unattended', origin), body).catch((cause: unknown) => {
    throw new CleanRoomError('unavailable', `The custodian at ${origin} can not be reached.`, {
      remedy: 'Check that it runs, then try again.',
      cause
    });
  });
  if (response.ok) return;
  const failure: unknown = parseJsonFile(new TextEncoder().encode(response.text), 'The custodian’s answer');
  if (!Check(Failure, failure))
    throw new CleanRoomError('unavailable', `What answers at ${origin} is not a custodian.`);
  const { code, message, remedy } = failure;
  throw new CleanRoomError(code as ErrorCode, message, remedy === undefined ? {} : { remedy });
}

function decided(submission: Submission, party: string): CommandResult | undefined {
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
  const look = (): Promise<Submission> => client.call(routes.getSubmission, { params: { id } });
  const submission = await look();
  const party = providerOf(submission, acting);
  const already = decided(submission, party);
  if (already !== undefined) return already;
  const origin = await originOf(context, client, party);
  const own = await ownCustodian(context, party, options);
  const ticket =
    own && (await writeTicket(custodianPaths(own).tickets, options.person ?? 'demo', terminal.now()));
  if (options.withoutPasskey === true) {
    if (ticket === undefined) {
      throw new CleanRoomError(
        'forbidden',
        'Only who looks after a demo custodian can approve without a passkey.',
        {
          remedy: 'Name its folder with --custodian, or approve on its page.'
        }
      );
    }
    await approveUnattended(origin, ticket, id, options.attempts);
  } else {
    const page = `/approve/${id}`;
    const address =
      ticket === undefined ? `${origin}${page}` : `${origin}/sign-in?ticket=${ticket}&to=${page}`;
    terminal.remark(`Decide on the custodian’s own page:\n  ${address}`);
    if (!options.wait) return { value: { submission: id, provider: party, page: address }, lines: [address] };
  }
  return waitFor(terminal, async () => decided(await look(), party));
}

/** Leads a reviewer to the custodian's own page, where alone an approval is given. */
export const registerApprove: Register = (program, act) => {
  program
    .command('approve <submission>')
    .description('print the address of the custodian’s page for a submission, and wait for the decision')
    .option('--party <party>', 'the party you decide for')
    .option('--custodian <folder>', 'the custodian’s folder, for a sign-in link')
    .option('--person <id>', 'whom the sign-in link is for')
    .option('--attempts <count>', 'runs to allow, without a passkey', Number, 1)
    .option('--without-passkey', 'approve at a demo custodian; marked as unattended in the approval itself')
    .option('--no-wait', 'print the address, do not wait')
    .action(act(approve));
};

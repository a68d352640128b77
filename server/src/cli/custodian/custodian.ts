import { lookup } from 'node:dns';
import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { CleanRoomError, ERROR_CODES } from '@clean-room/protocol/errors';
import type { CustodianHome } from '../../custodian/index.js';
import type { CommandContext } from '../context.js';
import { parseJsonFile } from '../files.js';
import type { Home } from '../home/home.js';

/** Returns the folder of a party's custodian that `custodians` in `config.json` names. */
async function configuredFolder(home: Home, party: string | undefined): Promise<string> {
  const { custodians = {} } = await home.config();
  const folder = party === undefined ? undefined : custodians[party];
  if (folder !== undefined) return path.resolve(home.folder, folder);
  const custodian = party === undefined ? 'a custodian' : `the custodian of ${party}`;
  throw new CleanRoomError('not-found', `Your configuration does not name the folder of ${custodian}.`, {
    remedy: 'Name the folder with --custodian.'
  });
}

/**
 * Opens the folder of a custodian that the user manages.
 *
 * @param party - the custodian's party, whose folder `config.json` names
 * @param folder - the folder, if the command line names it
 * @throws CleanRoomError `not-found`, `malformed`, `forbidden`
 */
export async function openCustodianFolder(
  { terminal, home }: CommandContext,
  party: string | undefined,
  folder?: string
): Promise<CustodianHome> {
  const location =
    folder === undefined ? await configuredFolder(home, party) : path.resolve(terminal.folder, folder);
  // The module is loaded only here, so that commands that do not use a custodian start quickly.
  const { readCustodianHome } = await import('../../custodian/index.js');
  return readCustodianHome(location);
}

/**
 * Creates a one-time sign-in ticket in a custodian's folder.
 * @param person - the id of the person in the party's roster
 * @returns the ticket, and the minutes for which it is valid
 */
export async function createTicket(
  custodian: CustodianHome,
  person: string,
  now: Date
): Promise<{ ticket: string; minutes: number }> {
  const { custodianPaths, TICKET_MINUTES, writeTicket } = await import('../../custodian/index.js');
  return {
    ticket: await writeTicket(custodianPaths(custodian).tickets, person, now),
    minutes: TICKET_MINUTES
  };
}

/** Resolves names that end in `.localhost` to this machine (RFC 6761 §6.3), which some system resolvers do not do. */
const resolveLocalhost: LookupFunction = (hostname, options, done) => {
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
  send(address, { method: 'POST', headers, lookup: resolveLocalhost }, resolve).on('error', reject).end(body);
  const response = await promise;
  return { ok: response.statusCode === 200, text: await text(response) };
}

const Failure = Type.Object({
  code: Type.Enum(Object.fromEntries(ERROR_CODES.map(code => [code, code]))),
  message: Type.String(),
  remedy: Type.Optional(Type.String())
});

/**
 * Approves a submission at a demo custodian, without a browser. The approval itself says that it is unattended.
 *
 * @param origin - the custodian's origin
 * @param ticket - a sign-in ticket of the reviewer
 * @param attempts - the number of runs to allow
 * @throws CleanRoomError `unavailable`, or the custodian's own error
 */
export async function approveUnattended(
  origin: string,
  ticket: string,
  submission: string,
  attempts: number
): Promise<void> {
  const body = JSON.stringify({ ticket, submission, attempts });
  const response = await post(new URL('/unattended', origin), body).catch((cause: unknown) => {
    throw new CleanRoomError('unavailable', `The custodian at ${origin} cannot be reached.`, {
      remedy: 'Check that it is running, and try again.',
      cause
    });
  });
  if (response.ok) return;
  const failure: unknown = parseJsonFile(new TextEncoder().encode(response.text), 'The custodian’s response');
  if (!Check(Failure, failure)) {
    throw new CleanRoomError('unavailable', `The program at ${origin} is not a custodian.`, {
      remedy: 'Check the address of the custodian in the party’s roster.'
    });
  }
  const { code, message, remedy } = failure;
  throw new CleanRoomError(code, message, remedy === undefined ? {} : { remedy });
}

import path from 'node:path';
import { errorFromResponse } from '@clean-room/api';
import type { Envelope } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { KernelImageRevocations } from '@clean-room/protocol/kernel-images';
import type { Grant } from '@clean-room/protocol/policies';
import type { CustodianHome } from '../../custodian/index.js';
import type { CommandContext } from '../context.js';
import type { Home } from '../home/home.js';
import { fetchFromCustodian } from './fetch.js';

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

/**
 * Imports a list of revoked kernel images into a custodian's folder. Only lists of release keys that its policies name are
 * accepted.
 *
 * @throws CleanRoomError `signature-invalid`, `forbidden`, `conflict`
 */
export async function importRevocationList(
  custodian: CustodianHome,
  list: Envelope
): Promise<KernelImageRevocations> {
  const { AssetRegistry, custodianPaths, importRevocations, openKeyFolder } =
    await import('../../custodian/index.js');
  const paths = custodianPaths(custodian);
  const { publicKey } = await openKeyFolder(paths.keys);
  const assets = await new AssetRegistry(paths.assets, publicKey).list();
  const releaseKeys = assets.flatMap(({ policy }) => policy.value.kernelImages.signers);
  return importRevocations(paths.revocations, list, releaseKeys);
}

/**
 * Approves a submission at a demo custodian, without a browser. The approval itself says that it is unattended.
 *
 * @param origin - the custodian's origin
 * @param ticket - a sign-in ticket of the reviewer
 * @param grant - the runs and spare starts to allow
 * @throws CleanRoomError `unavailable`, or the custodian's own error
 */
export async function approveUnattended(
  origin: string,
  ticket: string,
  submission: string,
  grant: Grant
): Promise<void> {
  const body = JSON.stringify({ ticket, submission, ...grant });
  const headers = { 'content-type': 'application/json', origin };
  const response = await fetchFromCustodian(new URL('/unattended', origin), {
    method: 'POST',
    headers,
    body
  }).catch((cause: unknown) => {
    throw new CleanRoomError('unavailable', `The custodian at ${origin} cannot be reached.`, {
      remedy: 'Check that it is running, and try again.',
      cause
    });
  });
  if (!response.ok) throw await errorFromResponse(response);
}

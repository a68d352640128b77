import path from 'node:path';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { readCustodianHome, type CustodianHome } from '../custodian/config.js';
import type { CommandContext } from './context.js';

/**
 * The custodian that a person looks after: `--custodian FOLDER`, else what config.json names for the party.
 * @throws CleanRoomError `not-found`
 */
export async function custodianHome(
  { terminal, home }: CommandContext,
  party: string | undefined,
  named?: string
): Promise<CustodianHome> {
  if (named !== undefined) return readCustodianHome(path.resolve(terminal.folder, named));
  const { custodians = {} } = await home.config();
  const folder = party === undefined ? undefined : custodians[party];
  if (folder !== undefined) return readCustodianHome(path.resolve(home.folder, folder));
  throw new CleanRoomError(
    'not-found',
    `No custodian${party === undefined ? '' : ` of ${party}`} is looked after from here.`,
    {
      remedy: 'Name its folder with --custodian.'
    }
  );
}

/**
 * The entry point of the custodian for the command line. Everything here works on a custodian's folder and is quick to
 * load; only {@link startCustodian} loads the web server and the database.
 */
import type { CustodianHome } from './config.js';
import type { CustodianOptions, RunningCustodian } from './start.js';

export {
  checkCustodianConfig,
  CUSTODIAN_FILE,
  custodianPaths,
  readCustodianHome,
  type CustodianHome
} from './config.js';
export { AssetRegistry } from './datasets/registry.js';
export { importRevocations } from './kernel-images/import.js';
export { ensureSigningKey, fileSigner, openKeyFolder, readSigningKey } from './keys/key-folder.js';
export { signDocument, type Signer } from './keys/key-store.js';
export { TICKET_MINUTES, writeTicket } from './sign-in/tickets.js';
export type { CustodianOptions, RunningCustodian } from './start.js';

/**
 * Starts a custodian: its pages on its own origin, and its background tasks.
 *
 * @throws CleanRoomError when it cannot start; nothing is then left running
 */
export async function startCustodian(
  home: CustodianHome,
  options: CustodianOptions = {}
): Promise<RunningCustodian> {
  const start = await import('./start.js');
  return start.startCustodian(home, options);
}

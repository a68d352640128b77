import { Client } from '@clean-room/api';
import { readSecretFile } from '../platform/files/secret-file.js';
import { custodianPaths, type CustodianHome } from './config.js';

/** The coordinator as one custodian sees it: the other end of a connection, and nothing more. */
export function coordinatorOf(home: CustodianHome): Client {
  const { token } = custodianPaths(home);
  return new Client({ base: home.config.coordinator, token: () => readSecretFile(token) });
}

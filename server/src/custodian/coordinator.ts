import { Client } from '../client/index.js';
import { readSecretFile } from '../platform/files/index.js';
import { placesOf, type CustodianHome } from './config.js';

/** The coordinator as one custodian sees it: the other end of a connection, and nothing more. */
export function coordinatorOf(home: CustodianHome): Client {
  const { token } = placesOf(home);
  return new Client({ base: home.config.coordinator, token: () => readSecretFile(token) });
}

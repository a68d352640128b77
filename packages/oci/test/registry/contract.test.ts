import { randomUUID } from 'node:crypto';
import { anonymous, type Credentials } from '../../src/registry/credentials.js';
import { RegistryStore } from '../../src/registry/registry-store.js';
import {
  ADA,
  startPasswordRegistry,
  startRegistry,
  startTokenRegistry,
  type Registry
} from '../support/registry.js';
import { storeContract } from '../support/store-contract.js';

const asAda: Credentials = () => Promise.resolve(ADA);

describe.each<[string, () => Promise<Registry>, Credentials]>([
  ['without authentication', () => startRegistry(), anonymous],
  ['with passwords', startPasswordRegistry, asAda],
  ['with tokens', startTokenRegistry, asAda]
])('a registry %s as an image store', (_name, start, credentials) => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await start();
  });
  afterAll(() => registry.stop());

  storeContract(async () =>
    RegistryStore.open(`http://${registry.host}/team/${randomUUID()}`, {
      credentials,
      retryPolicy: { attempts: 3, firstDelayMs: 10, longestDelayMs: 1000 }
    })
  );
});

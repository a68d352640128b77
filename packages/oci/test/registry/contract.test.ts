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
  ['open to all', () => startRegistry(), anonymous],
  ['that wants passwords', startPasswordRegistry, asAda],
  ['that wants tokens', startTokenRegistry, asAda]
])('a registry %s as an image store', (_name, start, credentials) => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await start();
  });
  afterAll(() => registry.stop());

  storeContract(async () =>
    RegistryStore.open(`http://${registry.host}/team/${randomUUID()}`, {
      credentials,
      patience: { attempts: 3, pauseMs: 10 }
    })
  );
});

export { parseAddress, type RegistryAddress } from './address.js';
export { anonymous, dockerCredentials, type Credential, type Credentials } from './credentials.js';
export { RegistryFailure } from './failure.js';
export { RegistryStore, type RegistryOptions } from './registry-store.js';
export type { Patience } from './retry.js';

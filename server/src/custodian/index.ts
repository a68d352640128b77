export {
  CUSTODIAN_FILE,
  CustodianConfig,
  type CustodianHome,
  checkCustodianConfig,
  custodianPaths,
  readCustodianHome
} from './config.js';
export { coordinatorOf } from './coordinator.js';
export { type PolicyFile, readPolicyFile } from './datasets/policy/policy-file.js';
export { provision } from './datasets/provision.js';
export { publish } from './datasets/publish.js';
export { AssetRegistry } from './datasets/registry/registry.js';
export { inferSchema } from './datasets/schema/infer.js';
export { readSchemaFile } from './datasets/schema/read.js';
export { openTable } from './datasets/table/open.js';
export { ensureSigningKey, openKeyFolder, readSigningKey } from './keys/key-folder.js';
export { openMembership } from './parties/collaborations.js';
export { TICKET_MINUTES, writeTicket } from './sign-in/tickets.js';
export { type CustodianOptions, type RunningCustodian, startCustodian } from './start.js';

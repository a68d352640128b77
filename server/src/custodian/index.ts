export * from './config.js';
export { type Custodian, type CustodianOptions, startCustodian } from './start.js';
export * from './coordinator.js';

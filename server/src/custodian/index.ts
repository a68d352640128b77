export * from './config.js';
export { type Custodian, type CustodianOptions, startCustodian, coordinatorOf } from './start.js';

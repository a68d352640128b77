export * from './ledger.js';
export * from './log.js';

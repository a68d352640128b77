export { providersOf } from './evidence.js';
export * from './receipt.js';
export * from './verdict.js';
export * from './verify.js';

export * from './approval.js';
export * from './passkey.js';
export * from './verify.js';

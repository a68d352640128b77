export * from './mailbox.js';
export * from './release.js';

export * from './challenges.js';
export * from './passkey.js';
export * from './people.js';
export * from './sessions.js';
export * from './tickets.js';

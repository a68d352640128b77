export * from './home.js';
export * from './identity.js';
export * from './trust.js';

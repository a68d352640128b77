export * from './documents.js';
export * from './judge.js';
export * from './own-token.js';
export * from './providers.js';

export * from './collaboration.js';
export * from './roster.js';

export * from './found.js';
export * from './layout.js';

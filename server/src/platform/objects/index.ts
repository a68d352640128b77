export * from './folder.js';
export * from './open.js';
export * from './store.js';

export * from './key-folder.js';
export * from './key-store.js';

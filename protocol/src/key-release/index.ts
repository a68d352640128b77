export * from './file-key.js';
export * from './key-release.js';

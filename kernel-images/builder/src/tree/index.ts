export * from './file-tree.js';
export * from './glob.js';
export * from './path.js';

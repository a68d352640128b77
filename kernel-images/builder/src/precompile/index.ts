export * from './font-list.js';
export * from './jail-python.js';
export * from './precompile.js';

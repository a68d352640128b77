export * from './digest.js';
export * from './encoding.js';

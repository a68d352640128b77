export * from './source.js';
export * from './write.js';

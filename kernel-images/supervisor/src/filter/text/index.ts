export * from './clean.js';
export * from './opaque.js';

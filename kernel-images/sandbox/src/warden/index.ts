export * from './arguments.js';
export * from './limits.js';
export * from './process.js';
export * from './status.js';

export * from './atomic.js';
export * from './secret-file.js';

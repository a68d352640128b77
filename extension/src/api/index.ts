export * from './client.js';
export * from './feed.js';
export * from './host.js';
export * from './problem.js';
export * from './types.js';

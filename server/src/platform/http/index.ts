export * from './app.js';
export * from './health.js';
export * from './logging.js';
export * from './metrics.js';
export * from './mount.js';
export * from './problems.js';
export * from './status.js';

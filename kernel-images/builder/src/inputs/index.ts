export * from './download.js';
export * from './input-cache.js';
export * from './retry.js';
export * from './vanished.js';

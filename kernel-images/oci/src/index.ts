export * from './layout/index.js';
export * from './registry/index.js';
export * from './revision/index.js';
export type { Bytes, ImageStore } from './store.js';
export * from './workspace/index.js';

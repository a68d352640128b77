export * from './layout/index.js';
export * from './revision/index.js';
export type { ImageStore } from './store.js';
export * from './workspace/index.js';

export * from './store-revision.js';

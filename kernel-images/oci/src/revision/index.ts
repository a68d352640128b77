export * from './package-revision.js';

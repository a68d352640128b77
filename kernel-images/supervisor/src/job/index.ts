export * from './delivery.js';
export * from './job.js';
export * from './progress.js';

export * from './place.js';
export { runAttempt, type RunOptions } from './run.js';

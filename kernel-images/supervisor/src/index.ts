export { type RuntimePaths, USERS, kernelImagePaths } from './run/paths.js';
export { type RunOptions, runAttempt } from './run/run.js';

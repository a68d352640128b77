export { syncDirectory, writeFileAtomic } from './files.js';
export { retry, retryDelayMs, type RetryOptions, type RetryPolicy } from './retry.js';
export { isMissing, systemErrorCode } from './system-error.js';

export { nodeEd25519 } from './ed25519.js';
export { exists, syncDirectory, writeFileAtomic } from './files.js';
export { retry, retryDelayMs, type RetryOptions, type RetryPolicy } from './retry.js';
export { isMissing, systemErrorCode } from './system-error.js';

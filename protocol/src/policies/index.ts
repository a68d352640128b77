export * from './policy.js';
export * from './strictest.js';
export * from './tee-rule.js';

export * from './policy.js';
export * from './strictest.js';
export * from './tee-rule.js';
export * from './tee-roots.js';
export * from './terms.js';

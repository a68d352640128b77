export * from './check.js';
export * from './request.js';
export * from './spec.js';

export * from './definition.js';
export * from './lock.js';

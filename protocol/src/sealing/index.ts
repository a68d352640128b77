export * from './age.js';
export * from './output.js';
export * from './padding.js';

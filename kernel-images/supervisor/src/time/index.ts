export * from './clock.js';
export * from './grid.js';

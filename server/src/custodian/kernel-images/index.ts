export * from './committed.js';

export * from './log.js';
export * from './merkle.js';

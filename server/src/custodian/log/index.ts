export * from './log-watch.js';

export * from './database.js';
export * from './queue.js';

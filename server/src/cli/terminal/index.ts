export * from './answer.js';
export * from './exit-codes.js';
export * from './terminal.js';

export * from './random-table.js';

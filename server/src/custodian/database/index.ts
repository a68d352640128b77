export * from './migrations.js';
export * from './tables.js';

export * from './open.js';
export * from './table.js';
export * from './write-parquet.js';

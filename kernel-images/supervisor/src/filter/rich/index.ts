export * from './html-table.js';
export * from './json.js';
export * from './png.js';

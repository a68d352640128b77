export * from './confirm.js';
export * from './deliver.js';
export * from './draft.js';
export * from './refuse.js';

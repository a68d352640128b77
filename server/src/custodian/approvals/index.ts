export * from './confirm.js';
export * from './deliver.js';
export * from './draft.js';

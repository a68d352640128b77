export * from './files.js';
export * from './lock.js';
export * from './measure.js';
export * from './notebook.js';
export * from './plan.js';
export * from './send.js';

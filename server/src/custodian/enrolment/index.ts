export * from './enrol.js';
export * from './roster.js';

export * from './output-release.js';
export * from './run-statement.js';
export * from './states.js';
export * from './verdict.js';

export * from './build.js';
export * from './committed.js';
export * from './manifest.js';
export * from './names.js';

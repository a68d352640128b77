export * from './install.js';
export * from './pip.js';
export * from './record.js';
export * from './wheel.js';

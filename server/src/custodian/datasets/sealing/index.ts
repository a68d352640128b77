export * from './header.js';
export * from './seal.js';

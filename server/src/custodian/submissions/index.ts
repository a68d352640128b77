export * from './fetch.js';
export * from './terms.js';

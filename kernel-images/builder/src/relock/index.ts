export * from './relock.js';

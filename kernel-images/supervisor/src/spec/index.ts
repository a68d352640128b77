export * from './measured.js';

export * from './policy-file.js';

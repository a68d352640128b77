export * from './kernel-image.js';

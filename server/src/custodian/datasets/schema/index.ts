export * from './conform.js';
export * from './infer.js';
export * from './read.js';
export type { Typed } from './value.js';

export { reduceError, type ReducedError } from './errors.js';
export * from './filter.js';
export type { DecodeImage } from './images.js';
export type { Mark, NotebookOutput, OutputMetadata } from './output.js';
export * from './rows/index.js';
export type { Pixels } from './rich/index.js';

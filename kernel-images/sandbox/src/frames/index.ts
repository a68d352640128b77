export * from './decoder.js';
export * from './frame.js';
export * from './json.js';
export * from './request.js';

export * from './canonical.js';
export * from './document.js';
export * from './dsse.js';
export * from './fields.js';
export * from './json.js';
export * from './keys.js';

export * from './exchange.js';
export * from './patience.js';

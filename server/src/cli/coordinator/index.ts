export * from './connect.js';
export * from './wait.js';

export * from './collaborations.js';
export * from './roster-book.js';

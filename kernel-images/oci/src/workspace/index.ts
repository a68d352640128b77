export * from './read-workspace.js';

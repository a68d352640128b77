export * from './open-sealed.js';
export * from './place.js';

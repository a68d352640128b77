export * from './authenticator.js';
export * from './bearer.js';
export * from './jupyterhub.js';

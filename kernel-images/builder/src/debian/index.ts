export * from './ar.js';
export * from './control.js';
export * from './deb.js';
export * from './install.js';
export * from './mirror.js';
export * from './release.js';
export * from './resolver.js';
export * from './version.js';

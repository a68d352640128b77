export * from './python-sources.js';
export * from './rootfs.js';
export * from './supervisor.js';
export * from './warden.js';

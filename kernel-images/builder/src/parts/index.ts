export * from './rootfs.js';

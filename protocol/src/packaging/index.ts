export * from './compose.js';
export * from './oci.js';
export * from './tar.js';
export * from './workspace.js';

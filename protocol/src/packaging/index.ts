export * from './compose.js';
export type { Content } from './content.js';
export * from './oci.js';
export * from './tar.js';
export * from './workspace.js';

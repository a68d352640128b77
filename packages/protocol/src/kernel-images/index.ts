export { KernelImageStatement } from './kernel-image.js';

export { readDefinition, readLock } from './definition/index.js';
export { buildKernelImage, loadKernelImage, type BuildOptions, type BuiltImage } from './image/index.js';

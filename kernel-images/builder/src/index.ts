export { readDefinition } from './definition/definition.js';
export { readLock } from './definition/lock.js';
export { type BuildOptions, type BuiltImage, buildKernelImage } from './image/build.js';
export { loadKernelImage } from './image/committed.js';

export { removeTree } from './remove-tree.js';
export { UnpackedLayers } from './unpack.js';

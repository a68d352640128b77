export { Container, type ContainerEnd, type ContainerOrder } from './container.js';
export { readImage, type LaunchImage } from './image.js';
export { removeTree } from './remove-tree.js';
export { isRoot, requireTools, TOOL_PATH } from './tools.js';
export { UnpackedLayers } from './unpack.js';
